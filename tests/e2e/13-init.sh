#!/bin/sh
# chama init where a folder stands already: a service's, a mount point, what an init that was killed left behind.
. "$SOURCE/tests/lib.sh"

init() { chama "$1" init --name-en Forestry --listen 127.0.0.1:8470; }

mkdir -p fixed/home && chmod 755 fixed/home && chmod 555 fixed
want "init into an empty folder in a folder that cannot be written" 0 init fixed/home
equal "it is its owner's alone" "$(stat -c %a fixed/home)" 700
equal "nothing temporary is left" "$(find fixed -name '.chama*')" ""
want "the node works" 0 chama fixed/home fsck
want "init once more" 1 init fixed/home
has "leaves the node alone" "$err" "already"
want "init beside it" 1 init fixed/other
equal "makes nothing" "$(ls fixed)" home

mkdir -p disk/lost+found
want "init into a new disk" 0 init disk
mkdir full && echo mine >full/notes
want "init into a folder with something in it" 1 init full
equal "touches nothing" "$(find full -type f)" full/notes
echo x >file
want "init onto a file" 1 init file

mkdir -p killed/.chama-building/keys && echo x >killed/.chama-building/keys/signing.key
want "init after one that was killed while it made the node" 0 init killed
equal "what was left is gone" "$(find killed -name '.chama*')" ""
want "the node works" 0 chama killed fsck

want "a node" 0 init whole
id=$(chama whole id | head -n 1)
mkdir whole/.chama-built && mv whole/ledger.git whole/config.ini whole/log whole/.chama-built/
want "without its ledger it is no node" 1 chama whole id
want "init after one that was killed while it moved the parts" 1 init whole
has "finds the node whole" "$err" "already"
equal "it is the same" "$(chama whole id | head -n 1)" "$id"
equal "what was left is gone" "$(find whole -name '.chama*')" ""
want "and it works" 0 chama whole fsck

mkdir busy
flock busy sleep 5 &
servers="$servers $!"
while flock -n busy true; do :; done
want "init beside another one" 1 init busy
has "says so" "$err" "another init"

want "init with an address" 0 chama named init --name-en N --listen 10.1.2.3:8470 --url "https://[2001:db8::7]:8443/chama"
names=$(openssl x509 -in named/keys/tls.crt -noout -ext subjectAltName)
has "the certificate names where it listens" "$names" "10.1.2.3"
has "and what peers are told" "$names" "2001:DB8:0:0:0:0:0:7"
chmod 755 fixed
