#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, in deploy/secrets: random
# ones where there are none, never replacing one. The files can be read inside
# the containers, whose users have other ids; the directory is the owner's alone.
set -eu
cd "$(dirname "$0")/secrets"
chmod 700 .

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

write() { # name, content
	if [ ! -e "$1" ]; then
		printf '%s\n' "$2" >"$1"
		chmod 444 "$1"
		echo "deploy/secrets/$1: written"
	fi
}

write kefu_api_key "$(random)"
write grafana_password "$(random)"
write postgres_password "$(random)"
write database_url "postgres://kefu:$(cat postgres_password)@postgres:5432/kefu?sslmode=disable"
if [ ! -e openai_api_key ]; then
	: >openai_api_key
	chmod 644 openai_api_key
	echo "deploy/secrets/openai_api_key: empty; put the key in and set OPENAI_API_KEY_FILE in .env to use it"
fi
