/*
 * libmillrace: the part of Millrace that TypeScript cannot be. It moves bytes and waits; it interprets none.
 *
 * THE RING, BYTE BY BYTE
 *
 * A ring is one block of memory, shared among threads (a SharedArrayBuffer) or among processes (a file in /dev/shm).
 * One writer, any number of readers; the writer never waits and readers write nothing. All numbers are little-endian
 * and lie at multiples of their width. Where "who" says creator, the field is written once, before the ring has a
 * name, and never again.
 *
 *   offset  width  who      what
 *        0    u64  creator  magic, the bytes "MILLRACE"
 *        8    u32  creator  version of this layout: 1
 *       12    u32  creator  bytes of this header: 256
 *       16    u64  creator  bytes of the ring, all in all
 *       24    u32  creator  slots
 *       28    u32  creator  bytes of a slot descriptor: 128
 *       32    u64  creator  offset of the arena, where the payloads are
 *       40    u64  creator  bytes of the arena
 *       48    u32  creator  what is in it: 1 frames, 2 access units, 3 MP4 fragments, 4 bytes
 *       52    u32  creator  policy: 1 fixed cells (the payload of sequence s is at arena + (s % slots) * cell),
 *                           2 variable (each payload contiguous, anywhere in the arena)
 *       56    u64  creator  bytes of a cell (policy 1)
 *       64    u64  creator  instance, a random number: another one means that the ring was made anew
 *       72    f64  creator  time of creation, Unix milliseconds
 *       80    u32  creator  process id of the writer
 *       84         -        reserved, zero
 *      112    u64  creator  records that its writer published in the rings that this one goes on for, see state 3
 *      120         -        reserved, zero
 *      128    u64  writer   head: sequence of the next record, and so the number of records published
 *      136    u64  writer   oldest: the lowest sequence whose bytes are intact
 *      144    u32  writer   signal: the word to wait on; one more at each publish and at the close
 *      148    u32  writer   state: 0 being built, 1 open, 2 closed, 3 moved: another ring has the name, and goes on
 *      152         -        reserved, zero
 *      256         writer   slot descriptors, 128 bytes each; that of sequence s is number s % slots:
 *
 *        0    u64  sequence + 1; 0 while the record is being written
 *        8    u64  offset of the payload in the arena
 *       16    u64  bytes of the payload
 *       24    i64  pts, microseconds
 *       32    i64  dts, microseconds
 *       40    f64  wallTime of the camera, Unix milliseconds; NaN where there is none
 *       48    f64  receivedAt, Unix milliseconds
 *       56    f64  publishedAt, Unix milliseconds
 *       64    u32  flags: 1 keyframe, 2 corrupt, 4 discontinuity
 *       68    u32  generation: another one means another size or other parameter sets
 *       72    u32  format: a pixel format's code, or for access units 1 H.264, 2 H.265, 3 MJPEG
 *       76    u32  width
 *       80    u32  height
 *       84    u32  streamId
 *       88    u32  planes, 0 to 4
 *       92    u32  bytes of the user's blob, which lies right after the payload
 *       96    4 x { u32 offset in the payload, u32 stride }, one for each plane
 *
 * The order of writing record s. Each step is visible to others before the next one is.
 *   (a) oldest is raised past every record whose slot or bytes will be overwritten; then a full fence
 *   (b) slot.sequence = 0
 *   (c) the payload, and the blob
 *   (d) the rest of the descriptor
 *   (e) slot.sequence = s + 1
 *   (f) head = s + 1
 *   (g) signal += 1, and all waiters are woken
 *   (h) the bell: one byte of the file is read with read(). It means nothing, but inotify tells IN_ACCESS of it to whoever
 *       watches the file. So one descriptor waits for any number of rings, with the right to read them and nothing else.
 *       The close rings it too.
 *
 * The order of reading: head; the choice of s; slot.sequence, which must be s + 1; descriptor and payload are copied;
 * a full fence; the copy is good if oldest <= s and slot.sequence is still s + 1, and else the record was missed.
 *
 * A writer that dies at any step leaves a ring that reads as before step (f) or after it. That it died is seen by its
 * lock, see mr_shm_owner().
 *
 * THE RULES OF EVERY FUNCTION BELOW
 *
 * - The result is an int32_t. Below zero it is a negated errno, and nothing was done that has to be undone.
 * - A handle is a positive int32_t, good in every thread of the process until mr_close(). After that it is -EBADF for
 *   good: its number is not given out again for half a million objects. A call that another thread is in while the
 *   handle is closed either completes or gives -EBADF; what it works on is freed when the last such call is over.
 * - Buffers belong to the caller. The library keeps no pointer after it returns, allocates nothing that the caller must
 *   free, calls nothing back, prints nothing and never exits. A null pointer where a buffer is needed is -EFAULT.
 * - "len" is the number of bytes that the caller vouches for at the pointer.
 * - No socket call blocks. What does block says so, and has a timeout in milliseconds: below zero waits for ever.
 *
 * An address is 24 bytes: u16 family (4 or 6), u16 port, u32 scope (the interface's number for link-local IPv6,
 * else 0), 16 bytes of address in network order, of which IPv4 uses the first four. The integers are little-endian.
 */
#ifndef MILLRACE_H
#define MILLRACE_H

#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the ring's layout is little-endian, and so must be the machine"
#endif

#define MR_API __attribute__((visibility("default")))

/** The version of this interface, compared by whoever loads the library. */
#define MR_ABI 1u

#define MR_ADDRESS_BYTES 24

/** Bits for mr_poll_set() and from mr_poll_wait(). */
#define MR_POLL_IN 1u
#define MR_POLL_OUT 2u
#define MR_POLL_ERROR 4u
/** The tag under which mr_poll_wait() reports mr_poll_wake(). */
#define MR_POLL_WOKEN 0xffffffffu

/* ---- the library itself --------------------------------------------------------------------------------------- */

MR_API uint32_t mr_abi(void);

/** Gives a handle of any kind back: closes the socket, unmaps the memory, leaves the semaphore. A name that was
 *  published stays. */
MR_API int32_t mr_close(int32_t handle);

/** Nanoseconds of the system's monotonic clock. */
MR_API int32_t mr_monotonic_ns(int64_t *out);

/* ---- TCP ------------------------------------------------------------------------------------------------------ */

/** Resolves a name or a numeric address. Blocks: for a thread that may.
 *  family: 0 any, 4, 6. cap: addresses that fit in out, 24 bytes each. The result is their number, best first.
 *  -ENOENT no such host, -EAGAIN the name server did not answer, -EIO it failed. */
MR_API int32_t mr_resolve(const char *host, uint32_t port, int32_t family, uint8_t *out, uint32_t cap);

/** Starts to connect; the handle is writable once that is decided. mr_tcp_status() says how it went: 0 connected,
 *  -EINPROGRESS not yet, else why not. */
MR_API int32_t mr_tcp_connect(const uint8_t *address);
MR_API int32_t mr_tcp_status(int32_t handle);

MR_API int32_t mr_tcp_listen(const uint8_t *address, int32_t backlog);
/** peer: 24 bytes, or null. -EAGAIN where nobody waits. */
MR_API int32_t mr_accept(int32_t handle, uint8_t *peer);

/** Two ends of one stream within this process, for threads that share no permissions: what goes into handles[0] comes out of
 *  handles[1], and the other way round. Both are as TCP connections that stand. */
MR_API int32_t mr_stream_pair(int32_t *handles);

/** Bytes received; 0 is the end of the stream; -EAGAIN where there is nothing yet. */
MR_API int32_t mr_recv(int32_t handle, uint8_t *into, uint32_t len);
/** From now on mr_poll_wait() tells of something to receive only where so many bytes are there, the system has no room for more, or the
 *  stream is over; 1 is what a connection begins with. mr_recv() gives what there is. */
MR_API int32_t mr_tcp_gather(int32_t handle, uint32_t bytes);
/** Bytes taken, perhaps fewer than len; -EAGAIN where the socket is full. */
MR_API int32_t mr_send(int32_t handle, const uint8_t *from, uint32_t len);

/** The own and the other end's address, of any socket. */
MR_API int32_t mr_local(int32_t handle, uint8_t *out);
MR_API int32_t mr_peer(int32_t handle, uint8_t *out);

/* ---- UDP ------------------------------------------------------------------------------------------------------ */

/** Two sockets on neighbouring ports, the even one for RTP and the odd one for RTCP (RFC 3550, 11). With port 0 in bind
 *  the library finds a free pair; a port that is given must be even. receive_buffer: bytes asked for on the RTP
 *  socket, 0 leaves the system's default; got_buffer: what both really have. */
MR_API int32_t mr_udp_pair(const uint8_t *bind, int32_t receive_buffer, int32_t *handles, int32_t *ports,
                           int32_t *got_buffer);
MR_API int32_t mr_udp_open(const uint8_t *bind, int32_t receive_buffer, int32_t *got_buffer);

/** From now on only datagrams of that address come in. */
MR_API int32_t mr_udp_connect(int32_t handle, const uint8_t *address);

/** Joins or leaves a multicast group. interface_index: 0 lets the system choose. source: null, or an address of family 0,
 *  for any sender. */
MR_API int32_t mr_udp_join(int32_t handle, const uint8_t *group, uint32_t interface_index, const uint8_t *source);
MR_API int32_t mr_udp_leave(int32_t handle, const uint8_t *group, uint32_t interface_index, const uint8_t *source);

/** Receives up to max datagrams in one call: datagram i at into + i * slot_bytes, its length in lens[i], -EMSGSIZE there
 *  for one that was longer than a slot. peers: max addresses, or null. The result is their number, 0 where there is
 *  none. into holds slot_bytes * max bytes. */
MR_API int32_t mr_udp_recv_many(int32_t handle, uint8_t *into, uint32_t slot_bytes, uint32_t max, int32_t *lens,
                                uint8_t *peers);

/** Sends one datagram; address null where the socket is connected. */
MR_API int32_t mr_udp_send(int32_t handle, const uint8_t *from, uint32_t len, const uint8_t *address);

/** Datagrams that the system dropped on this socket since it was opened, because the receive buffer was full. */
MR_API int32_t mr_udp_dropped(int32_t handle, uint32_t *out);

/* ---- one wait for all sockets --------------------------------------------------------------------------------- */

MR_API int32_t mr_poll_new(void);
/** events: MR_POLL_IN and MR_POLL_OUT; 0 forgets the socket. tag: what mr_poll_wait() calls it. A socket that is closed
 *  is forgotten by itself. */
MR_API int32_t mr_poll_set(int32_t poll, int32_t handle, uint32_t events, uint32_t tag);
/** Blocks until a socket is ready, somebody wakes, or the time is over. cap: room in tags and events, of which one call
 *  fills 256 at most. The result is their number, 0 when the time is over. */
MR_API int32_t mr_poll_wait(int32_t poll, int32_t timeout_ms, uint32_t *tags, uint32_t *events, uint32_t cap);
/** Ends the present wait, or the next one, with tag MR_POLL_WOKEN. */
MR_API int32_t mr_poll_wake(int32_t poll);

/* ---- shared memory -------------------------------------------------------------------------------------------- */

/* A name is 1 to 200 printable bytes without a slash; it begins neither with a dot nor with "sem.". Else -EINVAL.
 *
 * The order of construction is what makes a crash harmless: a file without a name, its lock, its room, its mode, the
 * mapping; then the caller writes what belongs in it; mr_shm_publish() gives it a name last. Whoever dies before leaves
 * nothing. Whoever dies after leaves a file that nobody locks, which the next owner of the name replaces. */

/** Makes zeroed memory without a name, mapped and locked. mode: the file's permissions, whatever the umask; the owner
 *  must be able to read and write. -ENOSPC where /dev/shm has not enough room, see mr_shm_room(). */
MR_API int32_t mr_shm_create(uint64_t bytes, uint32_t mode);
/** Names it. -EEXIST where a living owner has that name; a dead owner's memory is replaced. */
MR_API int32_t mr_shm_publish(int32_t handle, const char *name);
/** Gives it, before it is named, to another user and group; 0xffffffff leaves what is. -EPERM where this process may not. */
MR_API int32_t mr_shm_chown(int32_t handle, uint32_t user, uint32_t group);
/** Gives it the name that other memory of this process has, in one step: nobody ever finds the name missing. -ESTALE where the name
 *  means something else. */
MR_API int32_t mr_shm_replace(int32_t handle, int32_t other, const char *name);
/** Takes the name away again, if it still means this memory: 1 done, 0 it means something else or nothing. */
MR_API int32_t mr_shm_unpublish(int32_t handle, const char *name);
/** From now on SIGHUP, SIGINT and SIGTERM take the names of this process's memory, and of its rings in libValkka's layout, away
 *  before they end it; only where nobody else deals with them. The end of the process by itself always does. */
MR_API int32_t mr_clean_on_signals(void);
/** Maps what has that name, to read, or to write as well. */
MR_API int32_t mr_shm_open(const char *name, uint32_t writable);
MR_API int32_t mr_shm_size(int32_t handle, uint64_t *out);
/** 1 while the memory's creator lives and has it open, 0 after. */
MR_API int32_t mr_shm_owner(int32_t handle);
/** 1 where the name still means this memory, else 0. */
MR_API int32_t mr_shm_same(int32_t handle, const char *name);
/** Takes a name away, whoever has it. Who has it mapped keeps it. */
MR_API int32_t mr_shm_unlink(const char *name);
/** Takes a name away if its owner is dead: 1 done, 0 it lives. */
MR_API int32_t mr_shm_reap(const char *name);
/** Every name there is, each with a NUL behind it: the result is the number of bytes; -ENOBUFS where cap is too small. */
MR_API int32_t mr_shm_list(char *out, uint32_t cap);
/** How many other processes have each of these files in /dev/shm mapped to read alone. names: each with a NUL behind it. cap: room in
 *  readers. unseen: processes that this one may not look into. The result is the number of names; -ENOBUFS. */
MR_API int32_t mr_shm_readers(const char *names, uint32_t len, uint32_t *readers, uint32_t cap, uint32_t *unseen);
/** Bytes free and bytes in all in /dev/shm; where it has no limit, total is 0 and free is 2^53 - 1. */
MR_API int32_t mr_shm_room(uint64_t *free_out, uint64_t *total_out);

/* ---- what is in it -------------------------------------------------------------------------------------------- */

/* Offsets are checked against the mapping: -ERANGE outside it, or where a word is not at a multiple of its width. Writing to
 * memory that was opened to read is -EACCES. Loads acquire, stores release. What is called for every record takes a double where an
 * offset or a size may be large: a call with a 64-bit integer costs in Deno 0.1 µs more, and many times that in cold caches. */

MR_API int32_t mr_mem_load32(int32_t handle, double offset, uint32_t *out);
MR_API int32_t mr_mem_store32(int32_t handle, double offset, uint32_t value);
MR_API int32_t mr_mem_load64(int32_t handle, double offset, uint64_t *out);
MR_API int32_t mr_mem_store64(int32_t handle, double offset, const uint64_t *value);
MR_API int32_t mr_mem_fence(void);
MR_API int32_t mr_mem_read(int32_t handle, uint64_t offset, uint8_t *into, uint64_t len);
MR_API int32_t mr_mem_write(int32_t handle, uint64_t offset, const uint8_t *from, uint64_t len);
/** Where the memory is mapped, for those who may make a pointer of it; good until the handle is closed. */
MR_API int32_t mr_mem_address(int32_t handle, uint64_t *out);
/** Copies rows of row_bytes each between memory at offset, stride bytes apart, and a buffer of buffer_bytes at
 *  buffer_offset, buffer_stride bytes apart. The buffer is checked as well, because it is often the whole heap of a decoder that
 *  says itself where in it the picture is. */
MR_API int32_t mr_mem_read_rows(int32_t handle, uint64_t offset, uint32_t stride, uint8_t *buffer,
                                uint64_t buffer_bytes, uint64_t buffer_offset, uint32_t buffer_stride,
                                uint32_t row_bytes, uint32_t rows);
MR_API int32_t mr_mem_write_rows(int32_t handle, uint64_t offset, uint32_t stride, const uint8_t *buffer,
                                 uint64_t buffer_bytes, uint64_t buffer_offset, uint32_t buffer_stride,
                                 uint32_t row_bytes, uint32_t rows);

/** Blocks while the word at offset is what was expected: 0 woken or changed, -ETIMEDOUT. To read is enough. */
MR_API int32_t mr_mem_wait(int32_t handle, uint64_t offset, uint32_t expected, int32_t timeout_ms);
/** As mr_mem_wait(), and looks every MR_HEARTBEAT_MS whether the memory's owner lives: -EOWNERDEAD where mr_shm_owner() would say 0.
 *  stop: a word of the caller's; once it is not 0, the wait ends with 0, at the latest after one such time. */
#define MR_HEARTBEAT_MS 200
MR_API int32_t mr_shm_wait(int32_t handle, uint64_t offset, uint32_t expected, int32_t timeout_ms,
                           const uint32_t *stop);
/** Wakes all who wait on that word, in every process, and rings the memory's bell; the result is the number of those who slept on the
 *  word. */
MR_API int32_t mr_mem_notify(int32_t handle, double offset);
/** Waits on up to 128 words at once; the result is the index of one that was woken or has changed. */
MR_API int32_t mr_mem_wait_many(const int32_t *handles, const uint64_t *offsets, const uint32_t *expected,
                                uint32_t count, int32_t timeout_ms);

/* ---- one call for each record of a ring ----------------------------------------------------------------------- */

/* What the caller knows of the ring lies in a block of its own, little-endian, doubles where a number may be large. Of what lies in the
 * ring nothing is believed but what mr_ring_read() hands out, and that is not believed either: a descriptor is checked against
 * the measures in the block, and those against the mapping. */

/** The request of mr_ring_write(): f64 sequence, oldest (the lowest sequence that stays intact), slots, offset of the payload in
 *  the memory; 5 x { f64 bytes of the buffer, f64 stride, f64 bytes of a row, f64 rows }, one for each part, of which none
 *  overlaps itself; u32 the signal's next value, u32 0; the descriptor behind its sequence, whose publishedAt is filled in
 *  here: JavaScript's clock takes 6 µs where it is in no cache. */
#define MR_RING_REQUEST_BYTES 320
#define MR_RING_PARTS 5
/** Steps (a) to (h) for one record. The payload is the parts' rows, one behind the other; the last part is the blob. Where the result
 *  is below zero the ring is as it was. */
MR_API int32_t mr_ring_write(int32_t handle, const uint8_t *request, const uint8_t *part0, const uint8_t *part1,
                             const uint8_t *part2, const uint8_t *part3, const uint8_t *blob);

/** The block of mr_ring_read(), which it changes: f64 cursor (sequence of the next record in order), gap (records missed since the
 *  last one taken), delivered, missed, overtaken, invalid, bytes of the record found (payload and blob); f64 offset of the arena,
 *  bytes of it, bytes of a cell (0: variable); u32 slots, mode (0 every, 1 latest), step, fresh (1 until the first record was taken),
 *  peeked (1 where a record is found, and not taken), signal as it was before looking; f64 gap as it was when a record was
 *  found last; f64 publishedAt of the record taken last, u32 how long after the one before it was published, ns, 2 x u16 of the
 *  spinning before a sleep; the descriptor of the record that was found. */
#define MR_RING_READING_BYTES 256
#define MR_RING_EVERY 0u
#define MR_RING_LATEST 1u
/** Steps: look for a record; copy the one that was found, and take it; both. */
#define MR_RING_LOOK 1u
#define MR_RING_COPY 2u
#define MR_RING_NEXT 3u
/** Results: there is none; it was copied whole, and taken; it is found, and not copied, since that was not asked for or the payload has
 *  more than len bytes; many were tried and none could be had, try again; the writer overtook the copy. */
#define MR_RING_NOTHING 0
#define MR_RING_TAKEN 1
#define MR_RING_FOUND 2
#define MR_RING_LATER 3
#define MR_RING_LOST 4
/** Reads as the protocol has it. The blob is copied behind the payload where both fit. Blocks, where timeout_ms is not 0, until
 *  there is a record, the ring is closed, or somebody wakes those who wait; a thread that sleeps here is given its time in shorter turns
 *  from then on. */
MR_API int32_t mr_ring_read(int32_t handle, uint8_t *block, uint8_t *into, double len, int32_t timeout_ms);

/* ---- named semaphores (POSIX) --------------------------------------------------------------------------------- */

/** create: 0 it must be there, 1 made where it is missing, 2 it must not be there. mode and value count only where it is
 *  made; the mode holds whatever the umask. The name goes without the slash. */
MR_API int32_t mr_sem_open(const char *name, uint32_t create, uint32_t mode, uint32_t value);
MR_API int32_t mr_sem_post(int32_t handle);
/** Blocks: 0 taken, -ETIMEDOUT. */
MR_API int32_t mr_sem_wait(int32_t handle, int32_t timeout_ms);
/** 0 taken, -EAGAIN. */
MR_API int32_t mr_sem_trywait(int32_t handle);
MR_API int32_t mr_sem_value(int32_t handle);
MR_API int32_t mr_sem_unlink(const char *name);

/* ---- rings in libValkka's layout ------------------------------------------------------------------------------ */

/* libValkka 1.6's shared memory: for each cell a file with the payload and one with metadata, a semaphore that counts what is
 * not read yet, and one that says that the reader fell a whole ring behind. It has one reader, which may get torn
 * frames and cannot know.
 *
 * Beside it our own writer keeps a segment NAME_millrace_side. It is the head of a ring as above: header and slot
 * descriptors of policy 2, and the arena is where the file ends, cell i of the ring being at i times the cell's bytes,
 * rounded up to 64. So any number of our readers read the ring by its sequence numbers, and do not touch
 * the semaphores. At offset 84 of its header: u32 1 (this protocol), u32 kind, u64 bytes of a cell at 96, u32 width and
 * height at 104.
 *
 * kind: 1 bytes (8 bytes of metadata), 2 RGB24 (32), 3 fragmented MP4 (32). A name has 180 bytes at most. */

/** Makes the objects of a ring, replacing those of that name. side: the segment beside it, made here; it stays open until this
 *  ring is closed. */
MR_API int32_t mr_valkka_create(int32_t side, const char *name, uint32_t kind, uint32_t cells, uint64_t cell_bytes,
                                uint32_t mode);
/** Maps a ring to read. foreign: 1 to pull from it, as libValkka's own readers do, 0 to read it by our segment. found:
 *  cell, 0 payload or 1 metadata, bytes: with -ENOENT and -EMSGSIZE, which segment is missing or has another size. */
MR_API int32_t mr_valkka_open(const char *name, uint32_t kind, uint32_t cells, uint64_t cell_bytes, uint32_t foreign,
                              uint64_t *found);
/** Writes a record: the result is its cell. meta: the cell's metadata, whose size is filled in here. slot: the 120 bytes of a
 *  slot's descriptor behind its sequence, whose offset and size are filled in here. The payload is the rows without what
 *  lies between them. -EMSGSIZE where it is larger than a cell. */
MR_API int32_t mr_valkka_push(int32_t handle, const uint8_t *meta, const uint8_t *slot, const uint8_t *buffer,
                              uint64_t buffer_bytes, uint64_t buffer_offset, uint32_t stride, uint32_t row_bytes,
                              uint32_t rows);
/** Copies the next record, or the newest, out of a foreign ring: the result is its cell. meta: 32 bytes. len: a cell's bytes
 *  at least. -EAGAIN there is none, or another call finds one; -ESTALE the names mean another ring by now, or none. */
MR_API int32_t mr_valkka_pull(int32_t handle, uint32_t latest, uint8_t *meta, uint8_t *into, uint64_t len);
/** Blocks until a foreign ring may have a record, which stays this reader's until it pulls: 0, or -ETIMEDOUT. */
MR_API int32_t mr_valkka_wait(int32_t handle, int32_t timeout_ms);
/** Copies bytes of a cell; offset is one of the arena that our segment speaks of. */
MR_API int32_t mr_valkka_read(int32_t handle, uint64_t offset, uint8_t *into, uint64_t len);
/** Eight u64: pushed, overflows, pulled, missed at least, torn (found out, not delivered), unproven (delivered though the
 *  server may have been at the cell), resyncs, invalid. */
MR_API int32_t mr_valkka_counts(int32_t handle, uint64_t *out);
/** 1 while the names still mean what a reader has mapped, 0 after. */
MR_API int32_t mr_valkka_live(int32_t handle);
/** Takes the names of a writer's ring away, where they still mean it, and that of the segment beside it. */
MR_API int32_t mr_valkka_remove(int32_t handle);
/** Takes the names of cells away, whoever has them. */
MR_API int32_t mr_valkka_clear(const char *name, uint32_t from, uint32_t to);
/** The id of a process of this user that has one of these cells mapped to write, 0 where none is seen. */
MR_API int32_t mr_valkka_server(const char *name, uint32_t from, uint32_t to);

/* ---- one wait for any number of rings ------------------------------------------------------------------------- */

/* A ring's writer rings its bell, see (h) above, and so nobody registers anywhere and a ring costs no thread. Only one thread at a
 * time waits at a selector; the others may change what it waits for. A tag means one thing at a time. */

MR_API int32_t mr_select_new(void);
/** The word of a ring that was opened; it is ready while that is not what is expected, and once its writer has died. The memory stays
 *  mapped until the tag is removed. -EEXIST the tag is taken, -ENOSPC there are 4096. */
MR_API int32_t mr_select_ring(int32_t select, int32_t memory, uint64_t offset, uint32_t expected, uint32_t tag);
/** A ring of a libValkka server, opened with foreign 1; it is ready while something may be pulled, or its names mean another
 *  ring by now. It is looked at every 1 ms, every 5 ms after a second in which nothing was ready. */
MR_API int32_t mr_select_valkka(int32_t select, int32_t ring, uint32_t tag);
/** A name that is to appear; it is ready when that name, or one that begins with it, was made, again a while after, and once a
 *  second. */
MR_API int32_t mr_select_name(int32_t select, const char *name, uint32_t tag);
/** To be called once what was ready has been dealt with: expected is the word as it was before that. -ENOENT. */
MR_API int32_t mr_select_arm(int32_t select, uint32_t tag, uint32_t expected);
MR_API int32_t mr_select_remove(int32_t select, uint32_t tag);
/** Blocks until something may be ready: the result is the number of tags, 0 when the time is over or somebody woke it. Each is asked in its
 *  turn, so that a busy ring cannot keep others out. With no tags and cap 0 it only waits: 1 where something may be ready, which the
 *  next call tells. -EBUSY where another thread waits. */
MR_API int32_t mr_select_wait(int32_t select, int32_t timeout_ms, uint32_t *tags, uint32_t cap);
/** Ends the present wait, or the next one. */
MR_API int32_t mr_select_wake(int32_t select);

/* ---- eventfds for programs with an event loop of their own ---------------------------------------------------- */

/* A program connects to a Unix socket of packets (SOCK_SEQPACKET) and sends the name of a ring, without a zero byte. The answer is "ok", with
 * an eventfd beside it (SCM_RIGHTS), or "error: " and why not. The eventfd counts what was published since it was read,
 * and one more when the ring is closed, when its writer dies, and when another writer takes the name: then the program looks at the
 * ring, or opens it anew. For a ring of a libValkka server it holds how many records are unread, and says so again while there
 * are any. It is dropped when the connection is closed. 64 clients, 256 names each, 1024 in all. */

/** Listens at a path, with that mode whatever the umask. What a dead server left there is replaced. -EADDRINUSE a living one is there,
 *  -EEXIST something else is, -ENAMETOOLONG. The file goes with the handle. */
MR_API int32_t mr_event_fds_new(const char *path, uint32_t mode);
/** Blocks and serves until the time is over: 0; or the handle is closed: -EBADF. -EBUSY where another thread does. */
MR_API int32_t mr_event_fds_serve(int32_t handle, int32_t timeout_ms);
/** Four u64: clients, eventfds, eventfds given so far, requests refused so far. */
MR_API int32_t mr_event_fds_counts(int32_t handle, uint64_t *out);

#endif
