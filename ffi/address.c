/* Addresses, and names to addresses. */
#define _GNU_SOURCE
#include "address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "millrace.h"

static uint16_t get16(const uint8_t *at) {
  return (uint16_t)(at[0] | at[1] << 8);
}

static void put16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)value;
  at[1] = (uint8_t)(value >> 8);
}

uint16_t mr_address_port(const uint8_t *address) {
  return get16(address + 2);
}

void mr_address_set_port(uint8_t *address, uint16_t port) {
  put16(address + 2, port);
}

bool mr_address_multicast(const uint8_t *address) {
  return get16(address) == 4 ? (address[8] & 0xf0) == 0xe0 : address[8] == 0xff;
}

int mr_address_in(const uint8_t *address, struct sockaddr_storage *out) {
  memset(out, 0, sizeof *out);
  if (get16(address) == 4) {
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    in->sin_family = AF_INET;
    in->sin_port = htons(mr_address_port(address));
    memcpy(&in->sin_addr, address + 8, 4);
    return sizeof *in;
  }
  if (get16(address) == 6) {
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(mr_address_port(address));
    in6->sin6_scope_id = get16(address + 4) | (uint32_t)get16(address + 6) << 16;
    memcpy(&in6->sin6_addr, address + 8, 16);
    return sizeof *in6;
  }
  return -EAFNOSUPPORT;
}

int mr_address_out(const struct sockaddr *from, uint8_t *address) {
  memset(address, 0, MR_ADDRESS_BYTES);
  if (from->sa_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)from;
    put16(address, 4);
    put16(address + 2, ntohs(in->sin_port));
    memcpy(address + 8, &in->sin_addr, 4);
    return 0;
  }
  if (from->sa_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
    put16(address, 6);
    put16(address + 2, ntohs(in6->sin6_port));
    put16(address + 4, (uint16_t)in6->sin6_scope_id);
    put16(address + 6, (uint16_t)(in6->sin6_scope_id >> 16));
    memcpy(address + 8, &in6->sin6_addr, 16);
    return 0;
  }
  return -EAFNOSUPPORT;
}

static int32_t from_resolver(int error) {
  switch (error) {
    case EAI_SYSTEM: return errno ? -errno : -EIO;
    case EAI_AGAIN: return -EAGAIN;
    case EAI_MEMORY: return -ENOMEM;
    case EAI_FAMILY: return -EAFNOSUPPORT;
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY: return -ENOENT;
    default: return -EIO;
  }
}

int32_t mr_resolve(const char *host, uint32_t port, int32_t family, uint8_t *out, uint32_t cap) {
  if (!host || !out) return -EFAULT;
  if (port > 65535 || cap == 0 || (family != 0 && family != 4 && family != 6)) return -EINVAL;
  size_t length = strnlen(host, 256);
  if (length == 0 || length > 255) return -EINVAL;
  struct addrinfo hints = {
      .ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC,
      .ai_socktype = SOCK_STREAM,
  };
  struct addrinfo *found = NULL;
  int error = getaddrinfo(host, NULL, &hints, &found);
  if (error) return from_resolver(error);
  uint32_t count = 0;
  for (struct addrinfo *at = found; at && count < cap; at = at->ai_next) {
    uint8_t *address = out + (size_t)count * MR_ADDRESS_BYTES;
    if (mr_address_out(at->ai_addr, address) < 0) continue;
    mr_address_set_port(address, (uint16_t)port);
    count++;
  }
  freeaddrinfo(found);
  return count ? (int32_t)count : -ENOENT;
}
