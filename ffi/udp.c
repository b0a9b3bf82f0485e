/* UDP: pairs for RTP and RTCP, many datagrams a call, multicast. Nothing here blocks. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "handle.h"
#include "millrace.h"

/* Datagrams a system call; their headers are on the stack. */
#define BATCH 64
/* Tries for a free pair of ports. Each fails only where a neighbour is taken. */
#define PAIR_TRIES 256

/* The receive buffer that a socket has, by the measure of what was asked for: the system doubles it for its own needs. */
static int32_t receive_buffer_of(int fd) {
  int bytes = 0;
  socklen_t length = sizeof bytes;
  if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &length) < 0) return -errno;
  return bytes / 2;
}

/* A bound socket, or a negated errno. */
static int open_udp(const uint8_t *address, int32_t receive_buffer) {
  struct sockaddr_storage at;
  int length = mr_address_in(address, &at);
  if (length < 0) return length;
  int error, on = 1, off = 0;
  int fd = socket(at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  /* Several programs may listen to one group; for anything else a second listener is a mistake to be told. */
  if (mr_address_multicast(address) && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) goto fail;
  /* Only the groups that this socket joined, not those of every program on the machine. Older systems lack the IPv6 one. */
  if (at.ss_family == AF_INET) {
    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off);
  } else {
#ifdef IPV6_MULTICAST_ALL
    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off, sizeof off);
#endif
  }
  if (receive_buffer > 0) {
    /* Beyond the administrator's limit where the process may, up to it where not; what came of it is read back. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) < 0)
      setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  if (bind(fd, (struct sockaddr *)&at, (socklen_t)length) < 0) goto fail;
  return fd;
fail:
  error = errno;
  close(fd);
  return -error;
}

static int port_of(int fd) {
  struct sockaddr_storage at = {0};
  socklen_t length = sizeof at;
  uint8_t address[MR_ADDRESS_BYTES];
  if (getsockname(fd, (struct sockaddr *)&at, &length) < 0) return -errno;
  int error = mr_address_out((struct sockaddr *)&at, address);
  return error < 0 ? error : mr_address_port(address);
}

/* fds[0] on an even port, fds[1] on the next. 0, or a negated errno. */
static int open_pair(const uint8_t *bind, int32_t receive_buffer, int fds[2]) {
  uint8_t address[MR_ADDRESS_BYTES];
  memcpy(address, bind, sizeof address);
  uint16_t asked = mr_address_port(bind);
  if (asked % 2) return -EINVAL;
  int error = -EADDRINUSE;
  for (int tries = asked ? 1 : PAIR_TRIES; tries > 0; tries--) {
    int first = open_udp(bind, receive_buffer);
    if (first < 0) return first;
    int port = port_of(first);
    if (port < 0) {
      close(first);
      return port;
    }
    mr_address_set_port(address, (uint16_t)(port ^ 1));
    /* The system gave the odd one: then the even one is opened anew, because only RTP gets the large buffer. */
    int second = open_udp(address, port % 2 ? receive_buffer : 0);
    if (second >= 0) {
      fds[port % 2] = first;
      fds[1 - port % 2] = second;
      return 0;
    }
    close(first);
    error = second;
    if (error != -EADDRINUSE && error != -EACCES) return error;
  }
  return error;
}

int32_t mr_udp_pair(const uint8_t *bind, int32_t receive_buffer, int32_t *handles, int32_t *ports,
                    int32_t *got_buffer) {
  if (!bind || !handles || !ports || !got_buffer) return -EFAULT;
  if (receive_buffer < 0) return -EINVAL;
  int fds[2];
  int32_t result = open_pair(bind, receive_buffer, fds);
  if (result < 0) return result;
  int32_t made[2] = {0, 0};
  for (int i = 0; i < 2; i++) {
    ports[i] = port_of(fds[i]);
    got_buffer[i] = receive_buffer_of(fds[i]);
    struct mr_object object = {.kind = MR_KIND_UDP, .fd = fds[i], .wake_fd = -1};
    made[i] = mr_handle_new(&object);
    if (made[i] < 0) {
      result = made[i];
      goto fail;
    }
    fds[i] = -1;
  }
  handles[0] = made[0];
  handles[1] = made[1];
  return 0;
fail:
  for (int i = 0; i < 2; i++) {
    if (made[i] > 0) mr_close(made[i]);
    if (fds[i] >= 0) close(fds[i]);
  }
  return result;
}

int32_t mr_udp_open(const uint8_t *bind, int32_t receive_buffer, int32_t *got_buffer) {
  if (!bind || !got_buffer) return -EFAULT;
  if (receive_buffer < 0) return -EINVAL;
  int fd = open_udp(bind, receive_buffer);
  if (fd < 0) return fd;
  *got_buffer = receive_buffer_of(fd);
  struct mr_object object = {.kind = MR_KIND_UDP, .fd = fd, .wake_fd = -1};
  int32_t handle = mr_handle_new(&object);
  if (handle < 0) close(fd);
  return handle;
}

int32_t mr_udp_connect(int32_t handle, const uint8_t *address) {
  if (!address) return -EFAULT;
  struct sockaddr_storage to;
  int length = mr_address_in(address, &to);
  if (length < 0) return length;
  struct mr_object *udp = mr_handle_use(handle, MR_KIND_UDP);
  if (!udp) return -EBADF;
  int32_t result = connect(udp->fd, (struct sockaddr *)&to, (socklen_t)length) < 0 ? -errno : 0;
  mr_handle_done(handle);
  return result;
}

/* One request for all four: RFC 3678, 5, the interface that knows neither IPv4 nor IPv6. */
static int32_t membership(int32_t handle, const uint8_t *group, uint32_t interface_index, const uint8_t *source,
                          int any_source, int one_source) {
  if (!group) return -EFAULT;
  struct group_source_req request = {.gsr_interface = interface_index};
  int length = mr_address_in(group, &request.gsr_group);
  if (length < 0) return length;
  if (!mr_address_multicast(group)) return -EINVAL;
  bool filtered = source && (source[0] || source[1]);
  if (filtered && (length = mr_address_in(source, &request.gsr_source)) < 0) return length;
  if (filtered && request.gsr_source.ss_family != request.gsr_group.ss_family) return -EINVAL;
  struct group_req plain = {.gr_interface = interface_index, .gr_group = request.gsr_group};
  int level = request.gsr_group.ss_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
  struct mr_object *udp = mr_handle_use(handle, MR_KIND_UDP);
  if (!udp) return -EBADF;
  int failed = filtered ? setsockopt(udp->fd, level, one_source, &request, sizeof request)
                        : setsockopt(udp->fd, level, any_source, &plain, sizeof plain);
  int32_t result = failed < 0 ? -errno : 0;
  mr_handle_done(handle);
  return result;
}

int32_t mr_udp_join(int32_t handle, const uint8_t *group, uint32_t interface_index, const uint8_t *source) {
  return membership(handle, group, interface_index, source, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP);
}

int32_t mr_udp_leave(int32_t handle, const uint8_t *group, uint32_t interface_index, const uint8_t *source) {
  return membership(handle, group, interface_index, source, MCAST_LEAVE_GROUP, MCAST_LEAVE_SOURCE_GROUP);
}

/* Up to BATCH datagrams from number `first` on; their number, or a negated errno. */
static int receive_batch(int fd, uint8_t *into, uint32_t slot_bytes, uint32_t count, int32_t *lens, uint8_t *peers) {
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
  struct sockaddr_storage from[BATCH];
  memset(messages, 0, sizeof messages);
  for (uint32_t i = 0; i < count; i++) {
    vectors[i] = (struct iovec){.iov_base = into + (size_t)i * slot_bytes, .iov_len = slot_bytes};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    if (peers) {
      messages[i].msg_hdr.msg_name = &from[i];
      messages[i].msg_hdr.msg_namelen = sizeof from[i];
    }
  }
  int got;
  do {
    got = recvmmsg(fd, messages, count, MSG_DONTWAIT, NULL);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
  for (int i = 0; i < got; i++) {
    lens[i] = messages[i].msg_hdr.msg_flags & MSG_TRUNC ? -EMSGSIZE : (int32_t)messages[i].msg_len;
    if (peers) mr_address_out((struct sockaddr *)&from[i], peers + (size_t)i * MR_ADDRESS_BYTES);
  }
  return got;
}

int32_t mr_udp_recv_many(int32_t handle, uint8_t *into, uint32_t slot_bytes, uint32_t max, int32_t *lens,
                         uint8_t *peers) {
  if (!into || !lens) return -EFAULT;
  if (slot_bytes == 0 || slot_bytes > 65536 || max == 0 || max > 65536) return -EINVAL;
  struct mr_object *udp = mr_handle_use(handle, MR_KIND_UDP);
  if (!udp) return -EBADF;
  uint32_t done = 0;
  int32_t result = 0;
  while (done < max) {
    uint32_t wanted = max - done < BATCH ? max - done : BATCH;
    int got = receive_batch(udp->fd, into + (size_t)done * slot_bytes, slot_bytes, wanted, lens + done,
                            peers ? peers + (size_t)done * MR_ADDRESS_BYTES : NULL);
    /* An error after some datagrams stays with the socket's next call only for ICMP ones, which UDP may lose. */
    if (got < 0 && done == 0) result = got;
    if (got <= 0) break;
    done += (uint32_t)got;
    if ((uint32_t)got < wanted) break;
  }
  mr_handle_done(handle);
  return result < 0 ? result : (int32_t)done;
}

int32_t mr_udp_send(int32_t handle, const uint8_t *from, uint32_t len, const uint8_t *address) {
  if (!from && len) return -EFAULT;
  if (len > 65535) return -EMSGSIZE;
  struct sockaddr_storage to;
  int length = 0;
  if (address && (length = mr_address_in(address, &to)) < 0) return length;
  struct mr_object *udp = mr_handle_use(handle, MR_KIND_UDP);
  if (!udp) return -EBADF;
  ssize_t sent;
  do {
    sent = sendto(udp->fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL, address ? (struct sockaddr *)&to : NULL,
                  (socklen_t)length);
  } while (sent < 0 && errno == EINTR);
  int32_t result = sent < 0 ? -errno : (int32_t)sent;
  mr_handle_done(handle);
  return result;
}

int32_t mr_udp_dropped(int32_t handle, uint32_t *out) {
  if (!out) return -EFAULT;
  struct mr_object *udp = mr_handle_use(handle, MR_KIND_UDP);
  if (!udp) return -EBADF;
  uint32_t figures[SK_MEMINFO_VARS] = {0};
  socklen_t length = sizeof figures;
  int32_t result = getsockopt(udp->fd, SOL_SOCKET, SO_MEMINFO, figures, &length) < 0 ? -errno : 0;
  if (result == 0) *out = figures[SK_MEMINFO_DROPS];
  mr_handle_done(handle);
  return result;
}
