/* SPDX-License-Identifier: MIT */
/*
 * Undefined behaviour: what GCC calls where it finds some (-fsanitize=undefined). Names and structures are those of GCC's run-time library
 * (libsanitizer/ubsan/ubsan_handlers.h).
 */
#include "debug/checks/internal.h"

struct place { const char *file; uint32_t line, column; };
struct type { uint16_t kind, info; char name[]; };	/* kind 0: integer; info: signed in bit 0, log2 of its bits above */

struct typed { struct place place; const struct type *type; };
struct shift { struct place place; const struct type *left, *right; };
struct index { struct place place; const struct type *array, *index; };
struct mismatch { struct place place; const struct type *type; uint8_t log_align, kind; };

static void report(const struct place *place, const char *what)
{
	checks_report("undefined behaviour: %s at %s:%u", what, place->file, place->line);
}

/* A value as the compiler hands it over: itself, or a pointer to it where it is wider than a register. */
static int64_t value_of(const struct type *type, uint64_t value)
{
	unsigned bits = 1u << (type->info >> 1);

	if (bits >= 64)
		return value;
	return type->info & 1 ? (int64_t)(value << (64 - bits)) >> (64 - bits) : (int64_t)(value & ((1ull << bits) - 1));
}

static void report_two(const struct place *place, const char *what, const struct type *type, uint64_t left, uint64_t right)
{
	checks_report("undefined behaviour: %s of %s: %ld, %ld at %s:%u", what, type->name, (long)value_of(type, left),
		      (long)value_of(type, right), place->file, place->line);
}

#define OVERFLOW(operation, what) \
	void __ubsan_handle_##operation##_overflow(const struct typed *data, uint64_t left, uint64_t right); \
	void __ubsan_handle_##operation##_overflow(const struct typed *data, uint64_t left, uint64_t right) \
	{ \
		report_two(&data->place, what, data->type, left, right); \
	}

OVERFLOW(add, "signed overflow: addition")
OVERFLOW(sub, "signed overflow: subtraction")
OVERFLOW(mul, "signed overflow: multiplication")
OVERFLOW(divrem, "division")

void __ubsan_handle_negate_overflow(const struct typed *data, uint64_t value);
void __ubsan_handle_shift_out_of_bounds(const struct shift *data, uint64_t left, uint64_t right);
void __ubsan_handle_out_of_bounds(const struct index *data, uint64_t index);
void __ubsan_handle_type_mismatch_v1(const struct mismatch *data, uint64_t pointer);
void __ubsan_handle_pointer_overflow(const struct place *place, uint64_t base, uint64_t result);
void __ubsan_handle_builtin_unreachable(const struct place *place);
void __ubsan_handle_missing_return(const struct place *place);
void __ubsan_handle_load_invalid_value(const struct typed *data, uint64_t value);
void __ubsan_handle_nonnull_arg(const struct place *place);
void __ubsan_handle_nonnull_return_v1(const struct place *data, const struct place *place);
void __ubsan_handle_vla_bound_not_positive(const struct typed *data, uint64_t bound);
void __ubsan_handle_invalid_builtin(const struct place *place);

void __ubsan_handle_negate_overflow(const struct typed *data, uint64_t value)
{
	report(&data->place, "signed overflow: negation");
}

void __ubsan_handle_shift_out_of_bounds(const struct shift *data, uint64_t left, uint64_t right)
{
	checks_report("undefined behaviour: shift of %s %ld by %ld at %s:%u", data->left->name, (long)value_of(data->left, left),
		      (long)value_of(data->right, right), data->place.file, data->place.line);
}

void __ubsan_handle_out_of_bounds(const struct index *data, uint64_t index)
{
	checks_report("undefined behaviour: array index %ld of %s at %s:%u", (long)value_of(data->index, index), data->array->name,
		      data->place.file, data->place.line);
}

void __ubsan_handle_type_mismatch_v1(const struct mismatch *data, uint64_t pointer)
{
	const char *what = !pointer ? "null pointer" : pointer & ((1ull << data->log_align) - 1) ? "misaligned pointer" : "object too small";

	checks_report("undefined behaviour: %s %#lx for %s at %s:%u", what, pointer, data->type->name, data->place.file, data->place.line);
}

void __ubsan_handle_pointer_overflow(const struct place *place, uint64_t base, uint64_t result)
{
	checks_report("undefined behaviour: pointer overflow from %#lx to %#lx at %s:%u", base, result, place->file, place->line);
}

void __ubsan_handle_builtin_unreachable(const struct place *place) { report(place, "unreachable code reached"); }
void __ubsan_handle_missing_return(const struct place *place) { report(place, "missing return value"); }
void __ubsan_handle_load_invalid_value(const struct typed *data, uint64_t value) { report(&data->place, "invalid value of an enum or bool"); }
void __ubsan_handle_nonnull_arg(const struct place *place) { report(place, "null for a parameter declared non-null"); }
void __ubsan_handle_nonnull_return_v1(const struct place *data, const struct place *place) { report(place, "null returned where declared non-null"); }
void __ubsan_handle_vla_bound_not_positive(const struct typed *data, uint64_t bound) { report(&data->place, "array of no positive size"); }
void __ubsan_handle_invalid_builtin(const struct place *place) { report(place, "bit count of 0"); }
