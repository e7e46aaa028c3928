/*
 * messages.c - no translated messages in the server that fuzzes.
 *
 * Preloaded after AddressSanitizer.  A library that the server loads binds a
 * message catalogue in its constructor; under AddressSanitizer glibc's lock
 * around that can be found taken when the server binds its own, for ever.
 */
extern char *bindtextdomain(const char *domain, const char *directory);

char *
bindtextdomain(const char *domain, const char *directory)
{
	(void) domain;
	return (char *) directory;
}
