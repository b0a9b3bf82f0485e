/* Many cameras in one process, for bench/ingest.ts: an RTSP server that sends every client the packets of one clip, over TCP or
 * UDP, each as if over a link of 100 Mb/s. It costs as little as can be, since it shares the machine with what is measured.
 *
 *   cameras PACKETS SDP RATE
 *
 * PACKETS: access units, each a 32-bit count of packets and then each packet behind its 16-bit length, little-endian.
 * Prints its port, and plays until its input ends. Numbers, times and sources of the packets are each client's own. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CLIENTS = 1024, MAX_PACKETS = 1 << 17, BATCH = 16, TICK_NS = 1000000, LINK_BYTES_PER_TICK = 12500 };

struct packet {
  uint8_t *bytes;
  uint32_t length;
  bool begins; /* an access unit */
};

struct client {
  int fd;
  bool playing, udp;
  int channel;
  struct sockaddr_in to;
  uint32_t packet, ssrc, timestamp;
  uint16_t sequence;
  int64_t due; /* when the next access unit is, in nanoseconds */
  char request[4096];
  uint32_t request_length;
  uint8_t unsent[4096];
  uint32_t unsent_length;
};

static struct packet packets[MAX_PACKETS];
static uint32_t packet_count;
static struct client clients[MAX_CLIENTS];
static struct pollfd polled[MAX_CLIENTS + 2];
static int client_count, media_fd, media_port;
static char sdp[4096];
static int64_t interval;
static uint32_t clock_step;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static void read_packets(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) die(path);
  uint32_t count;
  while (fread(&count, sizeof count, 1, file) == 1) {
    for (uint32_t i = 0; i < count; i++) {
      uint16_t length;
      if (packet_count == MAX_PACKETS || fread(&length, sizeof length, 1, file) != 1) die("packets");
      /* Room for the four bytes that frame it on TCP. */
      uint8_t *bytes = malloc(length + 4u);
      if (!bytes || fread(bytes + 4, 1, length, file) != length) die("packets");
      bytes[0] = '$';
      bytes[2] = (uint8_t)(length >> 8);
      bytes[3] = (uint8_t)length;
      packets[packet_count++] = (struct packet){.bytes = bytes, .length = length, .begins = i == 0};
    }
  }
  fclose(file);
  if (packet_count == 0) die("packets");
}

static void read_text(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) die(path);
  sdp[fread(sdp, 1, sizeof sdp - 1, file)] = 0;
  fclose(file);
}

static int bound(int type, int port) {
  int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (fd < 0) die("socket");
  if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0) return fd;
  close(fd);
  return -1;
}

static int port_of(int fd) {
  struct sockaddr_in at;
  socklen_t length = sizeof at;
  if (getsockname(fd, (struct sockaddr *)&at, &length) < 0) die("getsockname");
  return ntohs(at.sin_port);
}

/* Two neighbouring ports; who asks on the second is not answered. */
static void open_media(void) {
  for (int port = 20000; port < 60000; port += 2) {
    media_fd = bound(SOCK_DGRAM, port);
    if (media_fd < 0) continue;
    if (bound(SOCK_DGRAM, port + 1) >= 0) {
      int bytes = 4 << 20;
      setsockopt(media_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
      media_port = port;
      return;
    }
    close(media_fd);
  }
  die("ports");
}

/* One packet as this client's. */
static uint8_t *stamped(struct client *client, const struct packet *packet) {
  uint8_t *rtp = packet->bytes + 4;
  packet->bytes[1] = (uint8_t)client->channel;
  rtp[2] = (uint8_t)(client->sequence >> 8);
  rtp[3] = (uint8_t)client->sequence;
  uint32_t words[2] = {htonl(client->timestamp), htonl(client->ssrc)};
  memcpy(rtp + 4, words, sizeof words);
  client->sequence++;
  return rtp;
}

static void leave(struct client *client) {
  close(client->fd);
  client->fd = -1;
  client->playing = false;
}

/* False where the connection takes no more for now, or is gone. */
static bool flush(struct client *client) {
  while (client->unsent_length > 0) {
    ssize_t sent = send(client->fd, client->unsent, client->unsent_length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN) leave(client);
      return false;
    }
    client->unsent_length -= (uint32_t)sent;
    memmove(client->unsent, client->unsent + sent, client->unsent_length);
  }
  return true;
}

/* Sends what the link takes in a tick; the access unit's next packets go with the next one. */
static void play(struct client *client, int64_t at) {
  static uint8_t room[BATCH][2048];
  uint32_t budget = LINK_BYTES_PER_TICK;
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  uint32_t count = 0, bytes = 0;
  if (!flush(client)) return;
  while (count < BATCH) {
    const struct packet *packet = &packets[client->packet];
    if (packet->begins) {
      if (at < client->due) break;
      client->due += interval;
      client->timestamp += clock_step;
    }
    if (packet->length > budget) break;
    budget -= packet->length;
    stamped(client, packet);
    memcpy(room[count], packet->bytes, packet->length + 4);
    uint32_t skip = client->udp ? 4 : 0;
    parts[count] = (struct iovec){.iov_base = room[count] + skip, .iov_len = packet->length + 4 - skip};
    messages[count] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[count], .msg_iovlen = 1, .msg_name = &client->to,
                                                   .msg_namelen = sizeof client->to}};
    bytes += packet->length + 4;
    count++;
    client->packet = (client->packet + 1) % packet_count;
  }
  if (count == 0) return;
  if (client->udp) {
    sendmmsg(media_fd, messages, count, MSG_DONTWAIT);
    return;
  }
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
  ssize_t sent = sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return leave(client);
  if (sent < 0) sent = 0;
  if ((uint32_t)sent == bytes) return;
  /* The rest of the packet that was cut is kept; what comes after it is lost, and the numbers say so. */
  size_t past = (size_t)sent;
  for (uint32_t i = 0; i < count; i++) {
    if (past >= parts[i].iov_len) {
      past -= parts[i].iov_len;
      continue;
    }
    if (past == 0) break;
    client->unsent_length = (uint32_t)(parts[i].iov_len - past);
    memcpy(client->unsent, (uint8_t *)parts[i].iov_base + past, client->unsent_length);
    break;
  }
}

static const char *header(const char *request, const char *name) {
  for (const char *line = strstr(request, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, strlen(name)) == 0) return line + 2 + strlen(name);
  }
  return "";
}

static void answer(struct client *client, const char *request) {
  char text[8192], more[4608] = "";
  const char *transport = header(request, "Transport:");
  int first = 0;
  if (strncmp(request, "DESCRIBE", 8) == 0) {
    snprintf(more, sizeof more, "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", strlen(sdp), sdp);
  } else if (strncmp(request, "SETUP", 5) == 0) {
    const char *at;
    if ((at = strstr(transport, "interleaved=")) && sscanf(at, "interleaved=%d", &first) == 1) {
      client->channel = first;
      snprintf(more, sizeof more, "Session: 1;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=%d-%d\r\n\r\n", first,
               first + 1);
    } else if ((at = strstr(transport, "client_port=")) && sscanf(at, "client_port=%d", &first) == 1) {
      client->udp = true;
      client->to.sin_port = htons((uint16_t)first);
      snprintf(more, sizeof more,
               "Session: 1;timeout=60\r\nTransport: RTP/AVP;unicast;client_port=%d-%d;server_port=%d-%d\r\n\r\n", first,
               first + 1, media_port, media_port + 1);
    }
  } else {
    snprintf(more, sizeof more, "%s\r\n",
             strncmp(request, "OPTIONS", 7) ? "Session: 1\r\n" : "Public: DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN\r\n");
  }
  int length = snprintf(text, sizeof text, "RTSP/1.0 200 OK\r\nCSeq: %d\r\n%s", atoi(header(request, "CSeq:")), more);
  /* Between packets alone: one that was cut goes first. */
  while (client->fd >= 0 && !flush(client)) poll(NULL, 0, 1);
  if (client->fd >= 0 && send(client->fd, text, (size_t)length, MSG_NOSIGNAL) != length) leave(client);
  if (strncmp(request, "TEARDOWN", 8) == 0) client->playing = false;
  if (strncmp(request, "PLAY", 4) == 0) {
    /* Where the golden ratio puts it: whatever their number, clients' access units are spread over the time. */
    client->due = now_ns() + (int64_t)((double)(client - clients) * 0.6180339887 * 1000) % 1000 * interval / 1000;
    client->playing = true;
  }
}

static void listen_to(struct client *client) {
  ssize_t got = recv(client->fd, client->request + client->request_length,
                     sizeof client->request - 1 - client->request_length, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return leave(client);
  client->request_length += (uint32_t)got;
  for (;;) {
    uint8_t *bytes = (uint8_t *)client->request;
    uint32_t taken;
    if (client->request_length >= 4 && bytes[0] == '$') {
      taken = 4u + (uint32_t)(bytes[2] << 8 | bytes[3]); /* a report */
      if (taken > client->request_length) break;
    } else {
      client->request[client->request_length] = 0;
      char *end = strstr(client->request, "\r\n\r\n");
      if (!end) break;
      taken = (uint32_t)(end + 4 - client->request);
      answer(client, client->request);
      if (client->fd < 0) return;
    }
    client->request_length -= taken;
    memmove(client->request, client->request + taken, client->request_length);
  }
  if (client->request_length == sizeof client->request - 1) leave(client);
}

static void welcome(int listener) {
  struct sockaddr_in peer;
  socklen_t length = sizeof peer;
  int fd = accept4(listener, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  int at = 0, on = 1, bytes = 1 << 20;
  while (at < client_count && clients[at].fd >= 0) at++;
  if (at == MAX_CLIENTS) {
    close(fd);
    return;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  if (at == client_count) client_count++;
  clients[at] = (struct client){.fd = fd, .to = peer, .ssrc = 0x5eed0000u + (uint32_t)at};
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: cameras PACKETS SDP RATE\n");
    return 2;
  }
  read_packets(argv[1]);
  read_text(argv[2]);
  int rate = atoi(argv[3]);
  if (rate <= 0) die("rate");
  interval = 1000000000 / rate;
  clock_step = 90000u / (uint32_t)rate;
  open_media();
  int listener = bound(SOCK_STREAM, 0);
  if (listener < 0 || listen(listener, 512) < 0) die("listen");
  printf("%d\n", port_of(listener));
  fflush(stdout);
  int64_t tick = now_ns();
  for (;;) {
    polled[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (int i = 0; i < client_count; i++) polled[i + 2] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
    poll(polled, (nfds_t)client_count + 2, 0);
    char byte;
    if (polled[0].revents && read(STDIN_FILENO, &byte, 1) <= 0) return 0;
    for (int i = 0; i < client_count; i++) {
      if (polled[i + 2].revents && clients[i].fd >= 0) listen_to(&clients[i]);
    }
    if (polled[1].revents) welcome(listener);
    /* Clients are looked at every tenth tick; their packets are due at each. */
    for (int ticks = 0; ticks < 10; ticks++) {
      for (int i = 0; i < client_count; i++) {
        if (clients[i].playing) play(&clients[i], tick);
      }
      tick += TICK_NS;
      struct timespec until = {.tv_sec = tick / 1000000000, .tv_nsec = tick % 1000000000};
      if (tick > now_ns()) clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
  }
}
