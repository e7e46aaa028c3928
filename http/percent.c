/*
 * percent.c - %XX in paths, query strings and forms.
 */
#include "decode.h"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Decode into out, which has room for length + 1 bytes, and end it with a
 * zero.  A percent sign that begins no number stands for itself, as in PHP.
 * False when there is a zero byte, which no text of PostgreSQL can hold.
 */
bool
PercentDecode(const char *text, size_t length, bool plus, char *out, size_t *out_length)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++)
	{
		char c = text[i];

		if (c == '%' && i + 2 < length && hex_value(text[i + 1]) >= 0 &&
			hex_value(text[i + 2]) >= 0)
		{
			c = (char) (hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
			i += 2;
		}
		else if (c == '+' && plus)
			c = ' ';
		if (c == '\0')
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	*out_length = n;
	return true;
}
