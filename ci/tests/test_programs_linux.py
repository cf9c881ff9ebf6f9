# SPDX-License-Identifier: MIT
"""The same programs on Linux: what they expect is what Linux does."""
import pytest

import programs
from guest import LINUX


@pytest.fixture(scope="module")
def results(request):
    return programs.run(LINUX, only=programs.chosen(request))


@pytest.mark.parametrize("name", programs.cases(LINUX))
def test_program(results, name):
    result = results[name]
    assert result.status == 0, result.output
    assert f"ok {name.partition('-')[0]}: " in result.output and "skipped" not in result.output
