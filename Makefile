EXTENSION    = segments
MODULE_big   = segments
PGFILEDESC   = "segments - dynamic contact segments"

# Where the sources are: elsewhere than here in a VPATH build, which is
# make -f /path/to/the/Makefile in an empty directory.
here := $(if $(VPATH),$(VPATH),$(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST)))))
found = $(patsubst $(here)/%,%,$(sort $(wildcard $(addprefix $(here)/,$(1)))))

OBJS         = $(patsubst %.c,%.o,$(call found,src/*.c src/*/*.c))

# The install script is built from its parts, sql/NN_name.sql, in the order of
# their numbers; upgrade scripts are files of their own.
EXTVERSION  := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(here)/$(EXTENSION).control)
SCRIPT      := $(if $(filter .,$(here)),,$(CURDIR)/)sql/$(EXTENSION)--$(EXTVERSION).sql
SCRIPT_PARTS := $(addprefix $(here)/,$(call found,sql/[0-9][0-9]_*.sql))
DATA_built   = $(SCRIPT)
DATA         = $(call found,sql/$(EXTENSION)--*--*.sql)
EXTRA_CLEAN  = results output_iso tmp_check tmp_check_iso log regression.diffs regression.out

PG_CPPFLAGS  = -I$(srcdir)/src $(shell pkg-config --cflags jansson)
ifdef FAULT_INJECTION
PG_CPPFLAGS += -DSEGMENTS_FAULT_INJECTION -include $(srcdir)/src/base/fault.h
endif
SHLIB_LINK   = $(shell pkg-config --libs jansson)

# Simply expanded: PGXS asks with ifdef whether there are any.
REGRESS       := $(patsubst test/sql/%.sql,%,$(call found,test/sql/*.sql))
REGRESS_OPTS   = --inputdir=$(here)/test --load-extension=$(EXTENSION) --encoding=UTF8
ISOLATION     := $(patsubst test/specs/%.spec,%,$(call found,test/specs/*.spec))
ISOLATION_OPTS = --inputdir=$(here)/test --outputdir=. --load-extension=$(EXTENSION) --encoding=UTF8
TAP_TESTS     := $(if $(call found,test/t/*.pl),1)
PROVE_TESTS    = test/t/*.pl
REGRESS_PREP   = $(if $(filter .,$(here)),,$(CURDIR)/expected)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

folders := $(addprefix $(CURDIR)/,$(sort sql/ $(dir $(OBJS))))

$(SCRIPT): $(SCRIPT_PARTS) $(here)/$(EXTENSION).control $(here)/Makefile | $(folders)
	cat $(SCRIPT_PARTS) > $@.tmp && mv $@.tmp $@

# Packaged PGXS does not track headers: without this a changed header leaves
# stale objects behind.
$(OBJS): $(wildcard $(here)/src/*.h $(here)/src/*/*.h)

# In a VPATH build there are no folders yet, and answers are looked for here.
# Whole paths, or make would be content with what it finds among the sources.
$(OBJS) $(OBJS:.o=.bc): | $(folders)
$(folders):
	mkdir -p $@
ifneq ($(here),.)
$(CURDIR)/expected:
	ln -s $(abspath $(here))/expected $@
endif

# The front over HTTP needs libraries that the extension does not: it is built
# when asked for.
.PHONY: http install-http clean-http
http:
	$(MAKE) -C $(here)/http

install-http: http
	$(MAKE) -C $(here)/http install

clean-http:
	$(MAKE) -C $(here)/http clean

# What PGXN takes: what is committed, with the script that META.json names.
DISTVERSION := $(shell sed -n 's/^\t"version": "\(.*\)",/\1/p' $(here)/META.json)
DIST         = $(EXTENSION)-$(DISTVERSION)
.PHONY: dist
dist: $(SCRIPT)
	git -C $(here) archive --format=zip --prefix=$(DIST)/sql/ --add-file=$(abspath $(SCRIPT)) --prefix=$(DIST)/ -o $(abspath $(DIST).zip) HEAD
