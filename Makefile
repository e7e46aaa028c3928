EXTENSION    = segments
MODULE_big   = segments
OBJS         = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
PGFILEDESC   = "segments - dynamic contact segments"

# The install script is built from its parts, sql/NN_name.sql, in the order of
# their numbers; upgrade scripts are files of their own.
EXTVERSION  := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)
SCRIPT      := sql/$(EXTENSION)--$(EXTVERSION).sql
SCRIPT_PARTS := $(sort $(wildcard sql/[0-9][0-9]_*.sql))
DATA_built   = $(SCRIPT)
DATA         = $(wildcard sql/$(EXTENSION)--*--*.sql)
EXTRA_CLEAN  = results output_iso tmp_check tmp_check_iso log regression.diffs regression.out

PG_CPPFLAGS  = -I$(srcdir)/src $(shell pkg-config --cflags jansson)
ifdef FAULT_INJECTION
PG_CPPFLAGS += -DSEGMENTS_FAULT_INJECTION -include $(srcdir)/src/base/fault.h
endif
SHLIB_LINK   = $(shell pkg-config --libs jansson)

# Simply expanded: PGXS asks with ifdef whether there are any.
REGRESS       := $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS   = --inputdir=test --load-extension=$(EXTENSION) --encoding=UTF8
ISOLATION     := $(sort $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=$(EXTENSION) --encoding=UTF8
TAP_TESTS     := $(if $(wildcard test/t/*.pl),1)
PROVE_TESTS    = test/t/*.pl

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(SCRIPT): $(SCRIPT_PARTS) $(EXTENSION).control Makefile
	cat $(SCRIPT_PARTS) > $@.tmp && mv $@.tmp $@

# Packaged PGXS does not track headers: without this a changed header leaves
# stale objects behind.
$(OBJS): $(wildcard src/*.h src/*/*.h)

# The front over HTTP needs libraries that the extension does not: it is built
# when asked for.
.PHONY: http install-http clean-http
http:
	$(MAKE) -C $(srcdir)/http

install-http: http
	$(MAKE) -C $(srcdir)/http install

clean-http:
	$(MAKE) -C $(srcdir)/http clean
