#!/bin/sh
# B7 to B12: bundles opened by tar, checked by sha256sum and by a validator that was written from RFC 8493 alone.
. "$SOURCE/tests/lib.sh"
make_node a Forestry
mkdir data && seq 1 30000 >data/one.csv && head -c 2000000 /dev/urandom >data/two
chama a publish cover data --share open >/dev/null 2>&1
want "one archive" 0 chama a bundle create one.tar cover
want "one compressed" 0 chama a bundle create packed.tar.zst cover
want "volumes" 0 chama a bundle create vol.tar cover --volumes 1M
for archive in one.tar packed.tar.zst vol.0*.tar; do
    want "$archive: tar unpacks it" 0 tar -xf "$archive"
    bag=${archive%.zst} bag=${bag%.tar}
    want "$archive: sha256sum checks its payload" 0 sh -c "cd $bag && sha256sum --strict -c manifest-sha256.txt"
    want "$archive: and its text files" 0 sh -c "cd $bag && sha256sum --strict -c tagmanifest-sha256.txt"
    want "$archive: the validator" 0 python3 "$SOURCE/tests/interop/bagit.py" "$bag"
done
[ "$(tar -tf one.tar | cut -d / -f 1 | sort -u)" = one ] && ok "all is in one folder" || bad "all is in one folder"

# What the validator finds, so that it is known to look.
cp -r one broken && chmod -R u+w broken && echo x >>broken/data/exchange.json
want "the validator finds a changed file" 1 python3 "$SOURCE/tests/interop/bagit.py" broken
rm -rf broken && cp -r one broken && echo x >broken/data/more
want "one too many" 1 python3 "$SOURCE/tests/interop/bagit.py" broken
rm -rf broken && cp -r one broken && rm broken/data/exchange.json
want "and one that is missing" 1 python3 "$SOURCE/tests/interop/bagit.py" broken

# What stock tar packs anew is read.
make_node b Tourism
for form in gnu pax; do
    want "packed anew as $form" 0 tar -cf again-$form.tar --format=$form one
done
want "a bag packed anew by tar" 0 chama b bundle apply again-pax.tar
has "is taken" "$out" "1 of its 1 versions held"
want "gzip" 0 sh -c 'gzip -k again-gnu.tar'
want "in another form and compressed" 0 chama b bundle apply again-gnu.tar.gz
