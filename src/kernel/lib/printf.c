/* SPDX-License-Identifier: MIT */
/* vsnprintf: flags - 0 + space #, width and precision (also *), lengths hh h l ll z j t, conversions d i u x X o c s p %. */
#include "lib/printf.h"
#include "lib/string.h"

struct out { char *buf; size_t size, len; };

struct spec { bool left, zero, plus, space, alternate; int width, precision; int length; };

enum { LENGTH_INT, LENGTH_LONG, LENGTH_SHORT, LENGTH_CHAR };

static void put(struct out *out, char c)
{
	if (out->len + 1 < out->size)
		out->buf[out->len] = c;
	out->len++;
}

static void pad(struct out *out, char c, int count)
{
	while (count-- > 0)
		put(out, c);
}

static void put_text(struct out *out, const struct spec *spec, const char *text, int len)
{
	if (!spec->left)
		pad(out, ' ', spec->width - len);
	for (int i = 0; i < len; i++)
		put(out, text[i]);
	if (spec->left)
		pad(out, ' ', spec->width - len);
}

static void put_number(struct out *out, struct spec *spec, uint64_t value, unsigned base, bool upper, const char *prefix)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24];
	int len = 0, prefix_len, zeroes;
	bool is_zero = !value;

	for (; value; value /= base)
		text[len++] = digits[value % base];
	if (len == 0 && spec->precision != 0)
		text[len++] = '0';
	/* The alternate form adds nothing to a zero, nor an octal 0 where the precision has one already. */
	if (spec->alternate && base != 10 && (base == 8 ? spec->precision > len || (is_zero && len) : is_zero))
		prefix = "";
	prefix_len = strlen(prefix);
	zeroes = MAX(spec->precision - len, 0);
	if (spec->zero && !spec->left && spec->precision < 0)
		zeroes = MAX(spec->width - prefix_len - len, 0);
	if (!spec->left)
		pad(out, ' ', spec->width - prefix_len - zeroes - len);
	while (*prefix)
		put(out, *prefix++);
	pad(out, '0', zeroes);
	for (int i = len; i-- > 0;)
		put(out, text[i]);
	if (spec->left)
		pad(out, ' ', spec->width - prefix_len - zeroes - len);
}

static const char *parse_spec(const char *f, struct spec *spec, va_list *args)
{
	*spec = (struct spec){ .precision = -1 };
	for (;; f++) {
		if (*f == '-')
			spec->left = true;
		else if (*f == '0')
			spec->zero = true;
		else if (*f == '+')
			spec->plus = true;
		else if (*f == ' ')
			spec->space = true;
		else if (*f == '#')
			spec->alternate = true;
		else
			break;
	}
	if (*f == '*') {
		spec->width = va_arg(*args, int);
		if (spec->width < 0) {
			spec->left = true;
			spec->width = -spec->width;
		}
		f++;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		spec->width = spec->width * 10 + *f - '0';
	if (*f == '.') {
		spec->precision = 0;
		if (*++f == '*') {
			spec->precision = va_arg(*args, int);
			f++;
		}
		for (; *f >= '0' && *f <= '9'; f++)
			spec->precision = spec->precision * 10 + *f - '0';
	}
	for (;; f++) {
		if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
			spec->length = LENGTH_LONG;
		else if (*f == 'h')
			spec->length = spec->length == LENGTH_SHORT ? LENGTH_CHAR : LENGTH_SHORT;
		else
			return f;
	}
}

static int64_t signed_argument(const struct spec *spec, va_list *args)
{
	switch (spec->length) {
	case LENGTH_LONG: return va_arg(*args, long);
	case LENGTH_SHORT: return (short)va_arg(*args, int);
	case LENGTH_CHAR: return (signed char)va_arg(*args, int);
	default: return va_arg(*args, int);
	}
}

static uint64_t unsigned_argument(const struct spec *spec, va_list *args)
{
	switch (spec->length) {
	case LENGTH_LONG: return va_arg(*args, unsigned long);
	case LENGTH_SHORT: return (unsigned short)va_arg(*args, unsigned);
	case LENGTH_CHAR: return (unsigned char)va_arg(*args, unsigned);
	default: return va_arg(*args, unsigned);
	}
}

static void put_string(struct out *out, const struct spec *spec, const char *text)
{
	if (!text)
		text = "(null)";
	put_text(out, spec, text, spec->precision >= 0 ? strnlen(text, spec->precision) : strlen(text));
}

static void convert(struct out *out, char conversion, struct spec *spec, va_list *args)
{
	char c;

	switch (conversion) {
	case 'd':
	case 'i': {
		int64_t value = signed_argument(spec, args);
		const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";

		put_number(out, spec, value < 0 ? -(uint64_t)value : value, 10, false, sign);
		break;
	}
	case 'u':
		put_number(out, spec, unsigned_argument(spec, args), 10, false, "");
		break;
	case 'o':
		put_number(out, spec, unsigned_argument(spec, args), 8, false, spec->alternate ? "0" : "");
		break;
	case 'x':
	case 'X':
		put_number(out, spec, unsigned_argument(spec, args), 16, conversion == 'X',
			   !spec->alternate ? "" : conversion == 'X' ? "0X" : "0x");
		break;
	case 'p':
		put_number(out, spec, (uint64_t)va_arg(*args, void *), 16, false, "0x");
		break;
	case 'c':
		c = va_arg(*args, int);
		put_text(out, spec, &c, 1);
		break;
	case 's':
		put_string(out, spec, va_arg(*args, const char *));
		break;
	default:
		put(out, conversion);
	}
}

int vsnprintf(char *buf, size_t size, const char *format, va_list args)
{
	struct out out = { buf, size, 0 };
	va_list copy;

	va_copy(copy, args);
	for (const char *f = format; *f; f++) {
		struct spec spec;

		if (*f != '%') {
			put(&out, *f);
			continue;
		}
		f = parse_spec(f + 1, &spec, &copy);
		if (!*f)
			break;
		convert(&out, *f, &spec, &copy);
	}
	va_end(copy);
	if (size)
		buf[MIN(out.len, size - 1)] = 0;
	return out.len;
}

int snprintf(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(buf, size, format, args);
	va_end(args);
	return len;
}
