/*
 * messages.c - no translated messages in the server that fuzzes.
 *
 * Preloaded after AddressSanitizer, under which some servers never return from
 * bindtextdomain() when they start.
 */
extern char *bindtextdomain(const char *domain, const char *directory);

char *
bindtextdomain(const char *domain, const char *directory)
{
	(void) domain;
	return (char *) directory;
}
