#!/bin/sh
# Makes the secret files that compose.yaml mounts, in ./secrets; what is there already stays.
#   redis_users    the accounts of users.acl, with a password made here (Redis keeps its SHA-256)
#   redis_url      where Redis is, with that password
#   backend_token  the service token for BLDNG; for a real BLDNG put its own token in this file
# The files are world-readable for the containers' user, inside a folder only you may enter.
set -eu
here=$(dirname "$0")
folder=${1:-secrets}
umask 022
mkdir -p "$folder"
chmod 700 "$folder"
echo '*' >"$folder/.gitignore"

random() {
  od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

if [ ! -e "$folder/redis_url" ] || [ ! -e "$folder/redis_users" ]; then
  password=$(random)
  digest=$(printf %s "$password" | sha256sum | cut -d' ' -f1)
  sed "s/^user bldng-scim on /&#$digest /" "$here/users.acl" >"$folder/redis_users"
  printf 'redis://bldng-scim:%s@redis:6379/0\n' "$password" >"$folder/redis_url"
fi
if [ ! -e "$folder/backend_token" ]; then
  random >"$folder/backend_token"
fi
chmod 644 "$folder"/*
