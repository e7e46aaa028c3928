/*
 * auth.c - the name and the password that came with a request.
 */
#include <string.h>
#include <strings.h>

#include "decode.h"

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/*
 * Decode base64 up to its padding or end.  The number of bytes, or -1 when
 * it is malformed or longer than size.
 */
static long
base64_decode(const char *text, unsigned char *out, size_t size)
{
	unsigned bits = 0;
	int held = 0;
	size_t n = 0;

	for (; *text != '\0' && *text != '=' && *text != ' '; text++)
	{
		int value = base64_value(*text);

		if (value < 0)
			return -1;
		bits = (bits << 6 | (unsigned) value) & 0xffffff;
		held += 6;
		if (held >= 8)
		{
			if (n == size)
				return -1;
			held -= 8;
			out[n++] = (unsigned char) (bits >> held & 0xff);
		}
	}
	return text[strspn(text, "= ")] == '\0' ? (long) n : -1;
}

/*
 * Split "name:password".  Neither may be empty: with an empty password libpq
 * would look for one elsewhere.
 */
static bool
split_pair(const unsigned char *pair, size_t length, Credentials *credentials)
{
	const unsigned char *colon = memchr(pair, ':', length);
	size_t name = colon != NULL ? (size_t) (colon - pair) : 0;
	size_t rest = colon != NULL ? length - name - 1 : 0;

	if (name == 0 || rest == 0 || name >= sizeof(credentials->role) ||
		rest >= sizeof(credentials->password) || memchr(pair, '\0', length) != NULL)
		return false;
	memcpy(credentials->role, pair, name);
	credentials->role[name] = '\0';
	memcpy(credentials->password, colon + 1, rest);
	credentials->password[rest] = '\0';
	return true;
}

/*
 * Read an Authorization header; false when it isn't Basic, or malformed, or
 * not there.
 */
bool
CredentialsRead(const char *header, Credentials *credentials)
{
	unsigned char pair[sizeof(credentials->role) + sizeof(credentials->password)];
	long length;
	bool good;

	memset(credentials, 0, sizeof(*credentials));
	if (header == NULL || strncasecmp(header, "Basic ", 6) != 0)
		return false;
	header += 6;
	length = base64_decode(header + strspn(header, " "), pair, sizeof(pair));
	good = length > 0 && split_pair(pair, (size_t) length, credentials);
	explicit_bzero(pair, sizeof(pair));
	return good;
}

void
CredentialsForget(Credentials *credentials)
{
	explicit_bzero(credentials->password, sizeof(credentials->password));
}

/*
 * Are two passwords the same?  The time it takes tells only how long the
 * given one, a, is.
 */
bool
SecretsEqual(const char *a, const char *b)
{
	size_t a_length = strlen(a);
	size_t b_length = strlen(b);
	volatile unsigned char differ = a_length != b_length;

	for (size_t i = 0; i < a_length; i++)
		differ |= (unsigned char) (a[i] ^ b[b_length > 0 ? i % b_length : 0]);
	return differ == 0;
}
