"""The C compiler, for the libraries that are preloaded into a server."""

import pathlib
import shutil

from .processes import run


def shared_library(bench, name):
    """Compiles NAME.c of this folder into the bench directory; None if there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("clang")
    if not compiler:
        return None
    library = f"{bench.directory}/{name}.so"
    source = pathlib.Path(__file__).with_name(f"{name}.c")
    run([compiler, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, str(source),
         "-ldl"])
    return library
