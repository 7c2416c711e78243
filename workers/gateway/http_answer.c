// SPDX-License-Identifier: MIT
/* http_answer - the two things we ever say in HTTP: welcome, and no. */

#include <string.h>
#include <openssl/evp.h>

#include "workers/gateway/http.h"

#define KEY_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

void
http_accept(struct text key, char to[HTTP_ACCEPT_BYTES])
{
	unsigned char joined[HTTP_KEY_CHARS + sizeof(KEY_GUID) - 1];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned char text[HTTP_ACCEPT_BYTES + 1]; /* EVP adds a NUL */
	unsigned int digest_bytes = 0;

	INVARIANT(key.len == HTTP_KEY_CHARS);
	memcpy(joined, key.at, HTTP_KEY_CHARS);
	memcpy(joined + HTTP_KEY_CHARS, KEY_GUID, sizeof(KEY_GUID) - 1);
	INVARIANT(EVP_Digest(joined, sizeof(joined), digest, &digest_bytes,
		      EVP_sha1(), NULL) == 1 &&
	    digest_bytes == 20);
	EVP_EncodeBlock(text, digest, 20);
	memcpy(to, text, HTTP_ACCEPT_BYTES);
}

enum err
http_welcome(const struct http_upgrade *u, struct buffer *to)
{
	char accept[HTTP_ACCEPT_BYTES];

	http_accept(u->key, accept);
	return buffer_printf(to,
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %.*s\r\n%s\r\n",
	    HTTP_ACCEPT_BYTES, accept,
	    u->offers_phoenix ? "Sec-WebSocket-Protocol: phoenix\r\n" : "");
}

enum err
http_refuse(int status, struct buffer *to)
{
	static const struct {
		int status;
		const char *reason;
		const char *header;
	} words[] = {
	    {400, "Bad Request", ""},
	    {403, "Forbidden", ""},
	    {404, "Not Found", ""},
	    {408, "Request Timeout", ""},
	    {413, "Content Too Large", ""},
	    {426, "Upgrade Required",
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"},
	    {431, "Request Header Fields Too Large", ""},
	    {503, "Service Unavailable", "Retry-After: 1\r\n"},
	};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (words[i].status == status)
			return buffer_printf(to,
			    "HTTP/1.1 %d %s\r\n%sContent-Length: 0\r\n"
			    "Connection: close\r\n\r\n",
			    status, words[i].reason, words[i].header);
	}
	return ERR_RANGE;
}
