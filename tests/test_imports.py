"""What a notebook waits for before its first number: no package that its first cells do not use."""

import subprocess
import sys

import pytest

HEAVY = (
    "IPython",
    "numba",
    "openpyxl",
    "papermill",
    "polars",
    "scipy.optimize",
    "scipy.stats",
    "seaborn",
    "statsmodels",
)


def loaded(modules: str) -> set[str]:
    listing = f"import sys, {modules}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_library_itself_loads_no_package():
    assert not loaded("siyu") & {*HEAVY, "ibis", "matplotlib", "numpy", "pandas"}


@pytest.mark.slow
def test_a_funnel_is_measured_without_what_only_other_studies_need():
    found = loaded("siyu.findings, siyu.data, siyu.figures, siyu.studies.funnel")
    assert {"ibis", "matplotlib"} <= found
    assert not found & set(HEAVY)
