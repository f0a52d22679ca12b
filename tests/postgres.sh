#!/bin/sh
# A private Postgres server for tests: a socket in a new folder, and a port on this machine that asks
# for the password. Prints its URL when it is ready, and is gone with its data when its standard input
# ends, however the tests end. Exits with 3 where there is no Postgres.
#
# usage: postgres.sh PORT
set -eu
port=$1
password=s3cret

bin=
for initdb in "$(command -v initdb || true)" $(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -rV); do
    # what is on the path may be a link to a whole installation
    folder=$(dirname "$(readlink -f "$initdb")")
    if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && [ -x "$folder/pg_isready" ]; then
        bin=$folder
        break
    fi
done
[ -n "$bin" ] || exit 3

# sockets have short names
folder=$(mktemp -d /tmp/floe-postgres.XXXXXX)
log=$folder/log
server=
stop() {
    trap - EXIT
    # at once: nobody needs the data any more
    [ -z "$server" ] || kill -QUIT "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 1' INT TERM HUP

# the server refuses to be root
as=
if [ "$(id -u)" -eq 0 ]; then
    user=nobody
    id postgres >/dev/null 2>&1 && user=postgres
    chown "$user" "$folder"
    as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
fi

printf '%s' "$password" >"$folder/password"
options="-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c listen_addresses=127.0.0.1"
if openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -addext basicConstraints=critical,CA:FALSE -keyout "$folder/server.key" -out "$folder/server.crt" >/dev/null 2>&1; then
    chmod 600 "$folder/server.key"
    [ -z "$as" ] || chown "$user" "$folder/server.key"
    options="$options -c ssl=on -c ssl_cert_file=$folder/server.crt -c ssl_key_file=$folder/server.key"
fi
cd "$folder"
$as "$bin/initdb" -D data -U floe --pwfile=password --auth-local=trust --auth-host=scram-sha-256 \
    -E UTF8 --locale=C --no-sync >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
# the options are words
# shellcheck disable=SC2086
$as "$bin/postgres" -D data -k "$folder" -p "$port" $options >>"$log" 2>&1 </dev/null &
server=$!
until "$bin/pg_isready" -q -h "$folder" -p "$port"; do
    kill -0 "$server" 2>/dev/null || { cat "$log" >&2; exit 1; }
    sleep 0.05
done
echo "postgresql://floe:$password@/postgres?host=$folder&port=$port"
cat >/dev/null
