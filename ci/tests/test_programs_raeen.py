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
    result = results[name]
    assert result.status == 0, result.output
    assert f"ok {name.partition('-')[0]}: " in result.output
