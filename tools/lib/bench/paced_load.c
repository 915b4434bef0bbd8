// An open-loop load generator for HTTP/2 on loopback: sends requests at fixed times, whatever the
// answers do, and measures each from the time at which it was due. h2load sends what a rate allows
// in bursts of 10 ms and waits when its streams are used up, which hides and invents latency.
//
// usage: TOKEN=... paced_load PORT PATH BODIES RATE SECONDS CONNECTIONS [SAMPLES]
// BODIES is a file with a body a line, sent in turn. Prints one line of JSON: requests, answers
// other than 204, requests a second, latencies in microseconds, its own processor seconds.
// SAMPLES is a file that gets two 64-bit integers of this machine for each answer, in their order:
// when it was due and how late it came, in nanoseconds of CLOCK_MONOTONIC. SIGTERM ends it early.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    STREAMS_MAX = 100,
    INPUT_BYTES = 1 << 16,
    BODIES_MAX = 1 << 16,
    // What is due within one tick goes out together: a finer clock would cost the machine that is
    // measured more than it shows.
    TICK_NANOSECONDS = 200000
};

struct request {
    uint8_t *bytes;
    size_t count, body_count;
};

struct connection {
    int socket;
    uint32_t next_stream;
    int open_streams;
    int64_t window;
    // Due times by (stream id / 2) modulo the table's size.
    int64_t due[4096];
    uint8_t *output;
    size_t output_start, output_end, output_capacity;
    uint8_t input[INPUT_BYTES];
    size_t input_count;
    // Due times of requests that found no free stream.
    int64_t *waiting;
    size_t waiting_start, waiting_end;
};

static struct request requests[BODIES_MAX];
static size_t request_count;
static size_t longest_body;
static int64_t *latencies;
static size_t answered, failed, total;
static FILE *samples;
static volatile sig_atomic_t is_told_to_stop;

static void stop(int number) {
    (void)number;
    is_told_to_stop = 1;
}

static void die(const char *what) {
    fprintf(stderr, "paced_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static size_t put_frame(uint8_t *to, size_t count, uint8_t type, uint8_t flags, uint32_t stream) {
    to[0] = (uint8_t)(count >> 16);
    to[1] = (uint8_t)(count >> 8);
    to[2] = (uint8_t)count;
    to[3] = type;
    to[4] = flags;
    stream = htonl(stream);
    memcpy(to + 5, &stream, 4);
    return 9;
}

// A literal that is not indexed: the name by its number in the static table, the value as it is.
static size_t put_literal(uint8_t *to, uint8_t prefix, unsigned name, const char *value) {
    size_t at = 0, count = strlen(value);
    if (name < 15) {
        to[at++] = (uint8_t)(prefix | name);
    } else {
        to[at++] = prefix | 15;
        to[at++] = (uint8_t)(name - 15);
    }
    if (count < 127) {
        to[at++] = (uint8_t)count;
    } else {
        size_t rest = count - 127;
        to[at++] = 127;
        for (; rest >= 128; rest >>= 7) to[at++] = (uint8_t)(rest | 128);
        to[at++] = (uint8_t)rest;
    }
    memcpy(to + at, value, count);
    return at + count;
}

static void make_request(const char *path, const char *bearer, const char *body, size_t count) {
    char length[24];
    sprintf(length, "%zu", count);
    struct request *made = &requests[request_count++];
    made->bytes = malloc(strlen(bearer) + strlen(path) + count + 512);
    if (!made->bytes) die("memory");
    uint8_t *block = made->bytes + 9;
    size_t at = 0;
    block[at++] = 0x83;
    block[at++] = 0x86;
    at += put_literal(block + at, 0, 1, "localhost");
    at += put_literal(block + at, 0, 4, path);
    at += put_literal(block + at, 0, 28, length);
    at += put_literal(block + at, 16, 23, bearer);
    put_frame(made->bytes, at, 1, 4, 0);
    made->count = 9 + at;
    made->count += put_frame(made->bytes + made->count, count, 0, 1, 0);
    memcpy(made->bytes + made->count, body, count);
    made->count += count;
    made->body_count = count;
    if (count > longest_body) longest_body = count;
}

static void make_requests(const char *path, const char *token, const char *file) {
    FILE *stream = fopen(file, "rb");
    if (!stream) die(file);
    char *bearer = malloc(strlen(token) + 8), *line = NULL;
    size_t capacity = 0;
    ssize_t count;
    if (!bearer) die("memory");
    sprintf(bearer, "Bearer %s", token);
    while ((count = getline(&line, &capacity, stream)) > 0) {
        if (line[count - 1] == '\n') count--;
        if (count < 1 || count > 16384 || request_count == BODIES_MAX) {
            fprintf(stderr, "paced_load: %d bodies of 1 to 16384 bytes at most\n", BODIES_MAX);
            exit(1);
        }
        make_request(path, bearer, line, (size_t)count);
    }
    if (request_count == 0) {
        fprintf(stderr, "paced_load: there is no body in %s\n", file);
        exit(1);
    }
    fclose(stream);
    free(line);
    free(bearer);
}

static void append(struct connection *c, const void *bytes, size_t count) {
    if (c->output_end + count > c->output_capacity) {
        memmove(c->output, c->output + c->output_start, c->output_end - c->output_start);
        c->output_end -= c->output_start;
        c->output_start = 0;
        while (c->output_end + count > c->output_capacity) {
            c->output_capacity *= 2;
            c->output = realloc(c->output, c->output_capacity);
            if (!c->output) die("memory");
        }
    }
    memcpy(c->output + c->output_end, bytes, count);
    c->output_end += count;
}

static void flush(struct connection *c) {
    while (c->output_start < c->output_end) {
        ssize_t sent = send(c->socket, c->output + c->output_start,
            c->output_end - c->output_start, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            if (errno == EAGAIN) return;
            die("send");
        }
        c->output_start += (size_t)sent;
    }
    c->output_start = c->output_end = 0;
}

static void start(struct connection *c, int64_t due) {
    static size_t turn;
    struct request *next = &requests[turn++ % request_count];
    uint32_t stream = htonl(c->next_stream);
    c->due[c->next_stream / 2 % 4096] = due;
    memcpy(next->bytes + 5, &stream, 4);
    memcpy(next->bytes + next->count - next->body_count - 4, &stream, 4);
    append(c, next->bytes, next->count);
    c->next_stream += 2;
    c->open_streams++;
    c->window -= (int64_t)next->body_count;
}

static int has_room(struct connection *c) {
    return c->open_streams < STREAMS_MAX && c->window >= (int64_t)longest_body;
}

static void start_waiting(struct connection *c) {
    while (c->waiting_start < c->waiting_end && has_room(c)) {
        start(c, c->waiting[c->waiting_start++]);
    }
}

static void receive_frame(struct connection *c, const uint8_t *frame, size_t count, int64_t at) {
    uint32_t stream, number;
    memcpy(&stream, frame + 5, 4);
    stream = ntohl(stream);
    const uint8_t *payload = frame + 9;
    switch (frame[3]) {
    case 1:
        // :status 204 is number 9 of the static table; a table update may stand before it.
        while (count > 0 && (*payload & 0xE0) == 0x20) payload++, count--;
        if (count == 0 || *payload != 0x89) failed++;
        latencies[answered++] = at - c->due[stream / 2 % 4096];
        if (samples) {
            int64_t sample[2] = {c->due[stream / 2 % 4096], latencies[answered - 1]};
            fwrite(sample, sizeof sample, 1, samples);
        }
        c->open_streams--;
        break;
    case 3:
    case 7:
        fprintf(stderr, "paced_load: the server ended a %s\n", frame[3] == 3 ? "stream" : "connection");
        exit(1);
    case 4:
        if (!(frame[4] & 1)) {
            uint8_t answer[9];
            append(c, answer, put_frame(answer, 0, 4, 1, 0));
        }
        break;
    case 8:
        memcpy(&number, payload, 4);
        if (stream == 0) c->window += ntohl(number);
        break;
    default: break;
    }
}

static void receive(struct connection *c) {
    for (;;) {
        ssize_t got = recv(
            c->socket, c->input + c->input_count, INPUT_BYTES - c->input_count, MSG_DONTWAIT);
        if (got == 0) {
            fprintf(stderr, "paced_load: the server closed a connection\n");
            exit(1);
        }
        if (got < 0) {
            if (errno == EAGAIN) return;
            die("recv");
        }
        int64_t at = now();
        c->input_count += (size_t)got;
        size_t place = 0;
        while (c->input_count - place >= 9) {
            const uint8_t *frame = c->input + place;
            size_t count = (size_t)frame[0] << 16 | (size_t)frame[1] << 8 | frame[2];
            if (c->input_count - place < 9 + count) break;
            receive_frame(c, frame, count, at);
            place += 9 + count;
        }
        memmove(c->input, c->input + place, c->input_count - place);
        c->input_count -= place;
    }
}

static struct connection *open_connection(int port) {
    struct connection *c = calloc(1, sizeof *c);
    if (!c) die("memory");
    c->socket = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (c->socket < 0 || connect(c->socket, (struct sockaddr *)&address, sizeof address) != 0) {
        die("connect");
    }
    int yes = 1;
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    c->next_stream = 1;
    c->window = 65535;
    c->output_capacity = 1 << 16;
    c->output = malloc(c->output_capacity);
    c->waiting = malloc(sizeof *c->waiting * (total + 1));
    if (!c->output || !c->waiting) die("memory");
    uint8_t settings[9];
    append(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    append(c, settings, put_frame(settings, 0, 4, 0, 0));
    flush(c);
    return c;
}

static int ascending(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static double quantile(double fraction) {
    size_t index = (size_t)((double)answered * fraction);
    return (double)latencies[index < answered ? index : answered - 1] / 1000;
}

static double processor_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int count, char **words) {
    const char *token = getenv("TOKEN");
    if (count < 7 || count > 8 || !token) {
        fprintf(stderr,
            "usage: TOKEN=... paced_load PORT PATH BODIES RATE SECONDS CONNECTIONS [SAMPLES]\n");
        return 64;
    }
    double rate = atof(words[4]), seconds = atof(words[5]);
    int connections = atoi(words[6]), port = atoi(words[1]);
    total = (size_t)(rate * seconds);
    if (total < 1 || connections < 1 || connections > 1024) return 64;
    make_requests(words[2], token, words[3]);
    if (count == 8) {
        samples = fopen(words[7], "wb");
        if (!samples) die(words[7]);
        setvbuf(samples, NULL, _IOFBF, 1 << 20);
    }
    signal(SIGTERM, stop);
    latencies = malloc(sizeof *latencies * total);
    struct connection **all = malloc(sizeof *all * (size_t)connections);
    int events = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (!latencies || !all || events < 0 || timer < 0) die("start");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(events, EPOLL_CTL_ADD, timer, &event);
    for (int index = 0; index < connections; index++) {
        all[index] = open_connection(port);
        event.data.ptr = all[index];
        epoll_ctl(events, EPOLL_CTL_ADD, all[index]->socket, &event);
    }
    usleep(200000);
    int64_t begin = now(), last = 0;
    size_t sent = 0;
    while (answered < total) {
        int64_t time = now();
        if (is_told_to_stop && total > sent) {
            total = sent;
            if (answered == total) break;
        }
        while (sent < total) {
            int64_t due = begin + (int64_t)((double)sent * 1e9 / rate);
            if (due > time) break;
            struct connection *c = all[sent % (size_t)connections];
            if (c->waiting_start == c->waiting_end && has_room(c)) {
                start(c, due);
            } else {
                c->waiting[c->waiting_end++] = due;
            }
            sent++;
        }
        for (int index = 0; index < connections; index++) {
            start_waiting(all[index]);
            flush(all[index]);
        }
        int64_t next = time + 1000000;
        if (sent < total) {
            int64_t due = begin + (int64_t)((double)sent * 1e9 / rate);
            next = due > time + TICK_NANOSECONDS ? due : time + TICK_NANOSECONDS;
        }
        struct itimerspec setting = {
            .it_value = {.tv_sec = next / 1000000000, .tv_nsec = next % 1000000000}};
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, NULL);
        struct epoll_event ready[64];
        int ready_count = epoll_wait(events, ready, 64, 1000);
        for (int index = 0; index < ready_count; index++) {
            if (ready[index].data.ptr == NULL) {
                uint64_t ticks;
                if (read(timer, &ticks, 8) < 0 && errno != EAGAIN) die("timer");
            } else {
                receive(ready[index].data.ptr);
            }
        }
        if (answered > 0) last = now();
        if (now() - begin > (int64_t)((seconds + 30) * 1e9)) {
            fprintf(stderr, "paced_load: %zu of %zu answers are missing\n", total - answered, total);
            return 1;
        }
    }
    if (samples && fclose(samples) != 0) die("samples");
    qsort(latencies, answered, sizeof *latencies, ascending);
    printf("{\"requests\": %zu, \"failed\": %zu, \"rate\": %.1f, \"p50\": %.1f, \"p99\": %.1f, "
           "\"p999\": %.1f, \"max\": %.1f, \"processorSeconds\": %.3f}\n",
        answered, failed, (double)answered / ((double)(last - begin) / 1e9), quantile(0.5),
        quantile(0.99), quantile(0.999), quantile(1), processor_seconds());
    return 0;
}
