# SPDX-License-Identifier: MIT
"""The in-guest test programs on RaeenOS."""
import pytest

import programs
from guest import RAEEN


@pytest.fixture(scope="module")
def results(request):
    return programs.run(RAEEN, only=programs.chosen(request))


@pytest.mark.parametrize("name", programs.cases(RAEEN))
def test_program(results, name):
    programs.check(name, results[name])
