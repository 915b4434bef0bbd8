"""The C compiler: for what is preloaded, and for a load that Python is too slow for."""

import pathlib
import shutil

from .processes import fail, run


def _compile(bench, name, output, *options):
    compiler = shutil.which("cc") or shutil.which("clang")
    if not compiler:
        return None
    source = pathlib.Path(__file__).with_name(f"{name}.c")
    run([compiler, "-O2", "-Wall", "-Werror", *options, "-o", output, str(source), "-ldl"])
    return output


def shared_library(bench, name):
    """Compiles NAME.c of this folder into the bench directory; None if there is no compiler."""
    return _compile(bench, name, f"{bench.directory}/{name}.so", "-shared", "-fPIC")


def program(bench, name):
    """The same as a program."""
    made = _compile(bench, name, f"{bench.directory}/{name}")
    if not made:
        fail(f"{name}.c needs a C compiler: install gcc")
    return made
