/* SPDX-License-Identifier: MIT */
/* Editing of a canonical line before its end is typed; used by line_discipline.c only. */
#pragma once

#include "tty/line_discipline.h"

enum line_erase { LINE_ERASE_CHARACTER, LINE_ERASE_WORD, LINE_ERASE_ALL };

void line_edit_erase(struct line_discipline *line, enum line_erase what);
void line_edit_reprint(struct line_discipline *line, char key);
/* Ends the backslash form of ECHOPRT before anything else is echoed. */
void line_edit_finish_erasing(struct line_discipline *line);
