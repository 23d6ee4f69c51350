"""A second reader of chama's formats, in plain Python, written from keys/IDENTITY.md and manifests/FORMAT.md.

It shares no code with the program.  Mathematics that Python's standard library lacks is left to programs and libraries that we
did not write either: Ed25519 to ssh-keygen and openssl, git to git, zstd and XXH3 to their own shared libraries.
"""
