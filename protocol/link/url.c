// SPDX-License-Identifier: MIT
#include "protocol/link/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "protocol/base/address.h"
#include "protocol/link/link_client.h"

static struct text
after(struct text t, uint32_t count)
{
	return (struct text){.at = t.at + count, .len = t.len - count};
}

static enum err
parse_path(struct text path, struct link_url *url)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (path.len == 0 || path.at[0] != '/' || text_find(path, '\0') >= 0)
		return ERR_MALFORMED;
	if (text_copy(path, at.sun_path, sizeof(at.sun_path)) != OK ||
	    text_copy(path, url->host, sizeof(url->host)) != OK)
		return ERR_TOO_BIG;
	memcpy(&url->address, &at, sizeof(at));
	url->address_bytes = sizeof(at);
	return OK;
}

static enum err
parse_host(struct text host, uint16_t port, struct link_url *url)
{
	if (text_copy(host, url->host, sizeof(url->host)) != OK)
		return ERR_TOO_BIG;
	const char *name = text_is(host, "localhost") ? "127.0.0.1" : url->host;
	url->address_bytes = address_of_ip(name, port, &url->address);
	return url->address_bytes > 0 ? OK : ERR_MALFORMED;
}

static enum err
parse_host_port(struct text t, struct link_url *url)
{
	int64_t colon = -1;
	uint64_t port;

	for (uint32_t i = 0; i < t.len; i++)
		if (t.at[i] == ':')
			colon = i;
	if (colon <= 0 ||
	    text_to_u64(after(t, (uint32_t)colon + 1), &port) != OK ||
	    port > 65535)
		return ERR_MALFORMED;
	struct text host = {.at = t.at, .len = (uint32_t)colon};
	if (host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
		host = (struct text){.at = host.at + 1, .len = host.len - 2};
	return parse_host(host, (uint16_t)port, url);
}

enum err
link_url_parse(struct text t, struct link_url *url)
{
	*url = (struct link_url){.transport = LINK_IPC};
	if (text_starts_with(t, TEXT("ipc://")))
		return parse_path(after(t, 6), url);
	url->transport = LINK_TCP;
	if (text_starts_with(t, TEXT("tcp://")))
		return parse_host_port(after(t, 6), url);
	url->transport = LINK_TLS;
	if (text_starts_with(t, TEXT("tls+tcp://")))
		return parse_host_port(after(t, 10), url);
	return ERR_MALFORMED;
}

bool
link_url_is_local(const struct link_url *url)
{
	const struct sockaddr_storage *at = &url->address;

	if (url->transport == LINK_IPC)
		return true;
	if (at->ss_family == AF_INET) {
		struct sockaddr_in four;

		memcpy(&four, at, sizeof(four));
		return ntohl(four.sin_addr.s_addr) >> 24 == 127;
	}
	struct sockaddr_in6 six;
	memcpy(&six, at, sizeof(six));
	return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
}

static bool
matches(struct text url, struct text pattern)
{
	if (pattern.len > 0 && pattern.at[pattern.len - 1] == '*')
		return text_starts_with(url,
		    (struct text){.at = pattern.at, .len = pattern.len - 1});
	return text_eq(url, pattern);
}

/* has_dots: a path with "/../" in it is not inside what it begins with. */
static bool
has_dots(struct text path)
{
	for (uint32_t i = 0; i + 2 < path.len; i++)
		if (memcmp(path.at + i, "/..", 3) == 0)
			return true;
	return false;
}

bool
link_url_is_allowed(struct text url, struct text runtime_dir,
    const struct text *patterns, uint32_t pattern_count)
{
	struct link_url parsed;

	if (link_url_parse(url, &parsed) != OK || has_dots(url))
		return false;
	for (uint32_t i = 0; i < pattern_count; i++)
		if (matches(url, patterns[i]))
			return true;
	if (pattern_count > 0)
		return false;
	if (parsed.transport != LINK_IPC)
		return parsed.transport == LINK_TCP &&
		    link_url_is_local(&parsed);
	struct text path = after(url, 6);
	return runtime_dir.len > 0 && text_starts_with(path, runtime_dir) &&
	    path.len > runtime_dir.len && path.at[runtime_dir.len] == '/';
}
