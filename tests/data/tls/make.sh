#!/usr/bin/env bash
# Makes the certificates of the tests, valid for some centuries. They protect nothing. Usage: ./make.sh (needs openssl)
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/ca.conf" <<EOF
[ca]
default_ca = it
[it]
database = $work/index.txt
serial = $work/serial
new_certs_dir = $work
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[both]
basicConstraints = CA:false
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = DNS:nobody
[server]
basicConstraints = CA:false
extendedKeyUsage = serverAuth
[client]
basicConstraints = CA:false
extendedKeyUsage = clientAuth
EOF
: >"$work/index.txt"
echo 01 >"$work/serial"

key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }

# sign NAME EXTENSIONS KEY SIGNER_CERT SIGNER_KEY START END
sign() {
    openssl req -new -key "$3" -subj "/CN=$1" -out "$work/request.pem"
    local self=()
    [ "$4" != self ] || self=(-selfsign)
    local signer=(-cert "$4")
    [ "$4" != self ] || signer=()
    openssl ca -batch -notext -config "$work/ca.conf" -extensions "$2" -in "$work/request.pem" -out "$1.pem" \
        "${self[@]}" "${signer[@]}" -keyfile "$5" -startdate "$6" -enddate "$7" 2>/dev/null
}

long_ago=20200101000000Z
far=29990101000000Z
key "$work/ca.key"
key "$work/other.key"
key leaf.key
key stray.key
sign ca authority "$work/ca.key" self "$work/ca.key" $long_ago $far
sign other_ca authority "$work/other.key" self "$work/other.key" $long_ago $far
sign leaf both leaf.key ca.pem "$work/ca.key" $long_ago $far
sign server_only server leaf.key ca.pem "$work/ca.key" $long_ago $far
sign client_only client leaf.key ca.pem "$work/ca.key" $long_ago $far
sign expired both leaf.key ca.pem "$work/ca.key" $long_ago 20210101000000Z
sign future both leaf.key ca.pem "$work/ca.key" 29980101000000Z $far
sign other_leaf both leaf.key other_ca.pem "$work/other.key" $long_ago $far
sign self_signed both leaf.key self leaf.key $long_ago $far
