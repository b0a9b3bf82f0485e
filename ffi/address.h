/* The 24 bytes of an address, and the system's form of it. */
#ifndef MILLRACE_ADDRESS_H
#define MILLRACE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* The length of the system's form; -EAFNOSUPPORT where the family is neither 4 nor 6. */
int mr_address_in(const uint8_t *address, struct sockaddr_storage *out);
/* -EAFNOSUPPORT where it is not of the internet. */
int mr_address_out(const struct sockaddr *from, uint8_t *address);
uint16_t mr_address_port(const uint8_t *address);
void mr_address_set_port(uint8_t *address, uint16_t port);
bool mr_address_multicast(const uint8_t *address);

#endif
