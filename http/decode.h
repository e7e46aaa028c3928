/*
 * decode.h - from what stands in a request to what SQL is given.
 *
 * Functions that can fail return NULL or false and leave a sentence for the
 * client in *problem, a constant or within the given buffer.
 */
#ifndef SEGMENTS_HTTP_DECODE_H
#define SEGMENTS_HTTP_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define PROBLEM_SIZE 256

/* percent.c */
extern bool PercentDecode(const char *text, size_t length, bool plus, char *out,
						  size_t *out_length);

/* form.c */
extern json_t *FormDecode(const char *text, size_t length, bool root_list, char *problem);

/* body.c */
extern char *BodyToJson(const char *type, const char *body, size_t length, int *status,
						char *problem);

/* auth.c */
typedef struct Credentials
{
	char role[256];
	char password[1024];
} Credentials;

extern bool CredentialsRead(const char *header, Credentials *credentials);
extern void CredentialsForget(Credentials *credentials);
extern bool SecretsEqual(const char *a, const char *b);

#endif
