# prepare.sh - what test/run and demo/run share: packages, a build of the tree,
# and a throw-away server.  Sourced by bash, with `set -eu` on.
#
# Sets root (the tree), work (a temporary directory, removed on exit unless
# keep=1), PG_CONFIG, and after start_server PGHOST, PGPORT and PGUSER.
# Nothing is written to the tree: the build happens in a copy.  Servers refuse
# to run as root, so everything but installing runs through as_user.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=
keep=${keep:-0}
server_user=postgres

die()
{
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -n "$@"
	else
		die "needs root, or sudo, for: $*"
	fi
}

# Runs a command as the user of the server, which may not see where we are.
as_user()
{
	if [ "$(id -u)" = 0 ]; then
		(
			runuser -u "$server_user" -- test -x "$PWD" 2>/dev/null || cd "$work"
			HOME=$work runuser -u "$server_user" -- "$@"
		)
	else
		HOME=$work "$@"
	fi
}

# The newest server here that has its headers, unless PG_CONFIG names one.
find_server()
{
	local candidate
	for candidate in "${PG_CONFIG:-}" \
		$(ls -d /usr/lib/postgresql/*/bin/pg_config 2>/dev/null | sort -t/ -k5 -rn) \
		"$(command -v pg_config || true)"; do
		if [ -x "$candidate" ] && [ -x "$("$candidate" --bindir)/initdb" ] &&
			[ -f "$("$candidate" --includedir-server)/postgres.h" ]; then
			PG_CONFIG=$candidate
			return 0
		fi
	done
	return 1
}

# The packages that are needed and not here, one a line.
missing_packages()
{
	local version=15
	if ! find_server; then
		apt-cache show postgresql-15 >/dev/null 2>&1 ||
			version=$(apt-cache depends postgresql 2>/dev/null | grep -o 'postgresql-[0-9]*' | grep -o '[0-9]*$' | head -n 1)
		printf 'postgresql-%s\npostgresql-server-dev-%s\n' "$version" "$version"
	fi
	command -v gcc >/dev/null || printf 'gcc\nlibc6-dev\n'
	command -v make >/dev/null || echo make
	command -v pkg-config >/dev/null || echo pkg-config
	pkg-config --exists jansson 2>/dev/null || echo libjansson-dev
	pkg-config --exists libpq 2>/dev/null || echo libpq-dev
	pkg-config --exists libmicrohttpd 2>/dev/null || echo libmicrohttpd-dev
	command -v python3 >/dev/null || echo python3
	command -v curl >/dev/null || echo curl
	command -v prove >/dev/null || echo perl
	perl -MIPC::Run -e 1 2>/dev/null || echo libipc-run-perl
}

install_packages()
{
	if [ -n "$(missing_packages)" ]; then
		command -v apt-get >/dev/null || die "please install: $(missing_packages | tr '\n' ' ')"
		# Only an updated list of packages tells which versions there are.
		as_root apt-get update -q -o Acquire::Retries=5 >&2
		as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -qy -o Acquire::Retries=5 --no-install-recommends $(missing_packages) >&2
	fi
	find_server || die "found no PostgreSQL server with its headers"
	export PG_CONFIG
	PATH=$("$PG_CONFIG" --bindir):$PATH
	export PATH
}

make_workplace()
{
	trap clean_up EXIT
	trap 'exit 130' INT TERM
	work=$(mktemp -d "${TMPDIR:-/tmp}/segments.XXXXXX")
	mkdir "$work/tree" "$work/run"
	tar -C "$root" --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' \
		--exclude=./http/plain --exclude=./http/asan --exclude=./http/segments_http \
		--exclude=./http/segments_http-asan --exclude=./results --exclude=./tmp_check --exclude='./sql/segments--[0-9].[0-9].sql' -cf - . | tar -C "$work/tree" -xf -
	if [ "$(id -u)" = 0 ]; then
		id "$server_user" >/dev/null 2>&1 || useradd --system "$server_user"
		chown -R "$server_user" "$work"
	fi
}

clean_up()
{
	local status=$?
	trap - EXIT
	if [ -n "$work" ] && [ "$keep" != 1 ]; then
		[ ! -f "$work/data/postmaster.pid" ] || stop_server
		rm -rf "$work"
	fi
	exit $status
}

# build_and_install FLAGS: with_llvm=no, because clang may be missing and
# nothing here needs the bitcode.
build_and_install()
{
	local log=$work/build.log
	as_user make -C "$work/tree" -s -j"$(nproc)" with_llvm=no PG_CONFIG="$PG_CONFIG" PG_CFLAGS="$1" >"$log" 2>&1 ||
		{ cat "$log" >&2; die "the build failed"; }
	local installer=as_root
	[ ! -w "$("$PG_CONFIG" --pkglibdir)" ] || installer=
	$installer make -C "$work/tree" -s with_llvm=no PG_CONFIG="$PG_CONFIG" PG_CFLAGS="$1" install >"$log" 2>&1 ||
		{ cat "$log" >&2; die "make install failed"; }
}

# A cluster that listens on a socket of its own, and forgets on a crash of the machine.
start_server()
{
	as_user initdb -D "$work/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$work/initdb.log" ||
		die "initdb failed"
	cat >>"$work/data/postgresql.conf" <<-CONF
		listen_addresses = ''
		port = 5432
		unix_socket_directories = '$work/run'
		fsync = off
		synchronous_commit = off
		full_page_writes = off
		shared_buffers = 256MB
		max_wal_size = 2GB
		jit = off
		segments.worker = off
		shared_preload_libraries = 'segments'
		log_min_messages = warning
	CONF
	as_user pg_ctl -D "$work/data" -l "$work/server.log" -w -s start || { cat "$work/server.log" >&2; die "the server did not start"; }
	export PGHOST=$work/run PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
}

stop_server()
{
	as_user pg_ctl -D "$work/data" -m immediate -s stop || true
}
