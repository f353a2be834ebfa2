/* ssefan - SSE fan-out load generator and checker (single thread, epoll, C only).
 *
 * Opens N SSE streams, waits until every one has its 200 response head, lets the
 * server settle, then publishes over HTTP keep-alive and times every receipt.
 *
 *   gcc -O2 -Wall -o ssefan ssefan.c
 *
 *   ssefan -u http://127.0.0.1:8000/sse/cocina -n 1000 \
 *          -P http://127.0.0.1:8000/pub/cocina -b '{"seq":%SEQ%,"t":%T%,"pad":"x"}' \
 *          -r 10 -d 10                 # modest rate: 10 publishes/s for 10 s
 *   ssefan ... -m 300 -k 4             # saturate: 300 publishes back-to-back on 4 connections
 *   ssefan ... -m 300 -l 4             # closed loop: never more than 4 publishes not yet
 *                                      # received by ALL subscribers
 *   ssefan ... -n 5000 -i 2 -s PID     # idle: hold 5000 streams 2 s, report server RSS / stream
 *   ssefan ... -m 500 -y -H 'Last-Event-ID: 0'
 *                                      # replay storm: publish first, then connect all N at once
 *
 * Options
 *   -u URL    subscribe URL; -n N streams; -H 'K: V' header for every stream (repeatable)
 *   -P URL    publish URL;   -Q 'K: V' header for every publish (repeatable)
 *   -b BODY   publish body (default {"seq":%SEQ%,"t":%T%}); -T content-type; -X method
 *   -r R -d T rate mode, R publishes/s during T s;   -m M back-to-back mode
 *   -k K      publisher connections (default 4); -D depth pipelined requests on each (default 1)
 *   -l LAG    closed loop on delivery (see above); 0 = off
 *   -g ROOMS  rooms: stream i is in room i%%ROOMS and publish s goes to room s%%ROOMS only
 *   -G MS     settle time after all streams are up (default 500)
 *   -c C      connects in flight at once (default 128)
 *   -w S      give up when nothing arrived for S seconds (default 8)
 *   -W E      the first E events are a warm-up: last_* is of the others
 *   -s PID    server root pid: its and its descendants' CPU seconds and RSS are reported (repeatable)
 *   -i S      idle mode; -y replay mode; -j one-line JSON only
 *   -z        spin: never sleep in epoll, so the server's send() pays no cross-CPU wake-up (steadier; give the client its own cpu)
 *   %SEQ% %T% %ROOM% %I% expand in BODY, URLs and headers (%T% = CLOCK_MONOTONIC ns,
 *   %I% = stream index). A receipt is any body LINE that holds  seq":<int>  (the quotes may be
 *   backslash-escaped); latency = receive time - the "t":<int> in that line, or the recorded
 *   send time where the line has no t. Chunked framing is decoded, lines split over reads are joined.
 *
 * Output: deliveries/s = receipts / (last receipt - first publish). missing, dup, incomplete
 * (streams that lack at least one event), lat_* = publish -> each receipt, last_* = publish ->
 * the LAST receipt of that event. Exit 0 only when nothing is missing or doubled.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }
static void die(const char *m) { fprintf(stderr, "ssefan: %s (%s)\n", m, strerror(errno)); exit(2); }

/* ---- URL, templates -------------------------------------------------------------------- */
typedef struct { char host[128]; int port; const char *path; struct sockaddr_in sa; } url_t;
static void parse_url(const char *u, url_t *o) {
    if (strncmp(u, "http://", 7)) die("only http:// URLs");
    u += 7; o->port = 80; o->path = strchr(u, '/'); if (!o->path) o->path = "/";
    size_t n = strcspn(u, "/"); if (n >= sizeof o->host) die("host too long");
    memcpy(o->host, u, n); o->host[n] = 0;
    char ip[128]; strcpy(ip, o->host); char *c = strchr(ip, ':'); if (c) { o->port = atoi(c + 1); *c = 0; }
    memset(&o->sa, 0, sizeof o->sa); o->sa.sin_family = AF_INET; o->sa.sin_port = htons(o->port);
    if (inet_pton(AF_INET, strcmp(ip, "localhost") ? ip : "127.0.0.1", &o->sa.sin_addr) != 1) die("numeric IPv4 only");
    if ((ntohl(o->sa.sin_addr.s_addr) >> 24) != 127) die("loopback only");
}
static int expand(char *out, int cap, const char *t, long seq, int64_t ts, long room, long idx) {
    int n = 0;
    while (*t && n < cap - 32) {
        if (*t == '%') {
            if (!strncmp(t, "%SEQ%", 5)) { n += sprintf(out + n, "%ld", seq); t += 5; continue; }
            if (!strncmp(t, "%T%", 3)) { n += sprintf(out + n, "%lld", (long long)ts); t += 3; continue; }
            if (!strncmp(t, "%ROOM%", 6)) { n += sprintf(out + n, "%ld", room); t += 6; continue; }
            if (!strncmp(t, "%I%", 3)) { n += sprintf(out + n, "%ld", idx); t += 3; continue; }
        }
        out[n++] = *t++;
    }
    out[n] = 0; return n;
}

/* ---- minimal HTTP/1.x response parser ---------------------------------------------------- */
enum { H_HEAD, H_LEN, H_CSIZE, H_CDATA, H_CCRLF, H_TRAIL, H_CLOSE };
typedef struct { int st, status, close_after; long long left; char *hb; int hl, hcap; } http_t;
static void http_reset(http_t *h) { h->st = H_HEAD; h->hl = 0; h->left = 0; h->status = 0; }
static void hb_add(http_t *h, char c) {
    if (h->hl + 2 > h->hcap) { h->hcap = h->hcap ? h->hcap * 2 : 512; h->hb = realloc(h->hb, h->hcap); }
    h->hb[h->hl++] = c; h->hb[h->hl] = 0;
}
typedef void (*body_fn)(void *, const char *, size_t);
/* Feeds bytes; returns how many were consumed; *done = 1 when one response is complete. */
static size_t http_feed(http_t *h, const char *p, size_t n, body_fn body, void *arg, int *done) {
    size_t i = 0; *done = 0;
    while (i < n) {
        switch (h->st) {
        case H_HEAD:
            hb_add(h, p[i++]);
            if (h->hl >= 4 && !memcmp(h->hb + h->hl - 4, "\r\n\r\n", 4)) {
                char *v; h->status = atoi(strchr(h->hb, ' ') ? strchr(h->hb, ' ') + 1 : "0");
                h->close_after = !strncmp(h->hb, "HTTP/1.0", 8) || strcasestr(h->hb, "\r\nconnection: close");
                if (h->status / 100 == 1) { h->hl = 0; break; }
                if (strcasestr(h->hb, "\r\ntransfer-encoding: chunked")) h->st = H_CSIZE;
                else if ((v = strcasestr(h->hb, "\r\ncontent-length:"))) { h->left = atoll(v + 17); h->st = H_LEN; }
                else if (h->status == 204 || h->status == 304) { h->left = 0; h->st = H_LEN; }
                else h->st = H_CLOSE;
                h->hl = 0;
                if (h->st == H_LEN && !h->left) { *done = 1; return i; }
            }
            break;
        case H_LEN: case H_CDATA: {
            size_t k = n - i; if ((long long)k > h->left) k = h->left;
            if (body) body(arg, p + i, k);
            i += k; h->left -= k;
            if (!h->left) { if (h->st == H_LEN) { *done = 1; return i; } h->st = H_CCRLF; }
            break; }
        case H_CSIZE:
            if (p[i] == '\n') { h->left = strtoll(h->hb ? h->hb : "0", NULL, 16); h->hl = 0; h->st = h->left ? H_CDATA : H_TRAIL; }
            else hb_add(h, p[i]);
            i++; break;
        case H_CCRLF: if (p[i++] == '\n') h->st = H_CSIZE; break;
        case H_TRAIL:
            if (p[i] == '\n') { i++; int e = h->hl == 0; h->hl = 0; if (e) { *done = 1; return i; } }
            else { if (p[i] != '\r') hb_add(h, p[i]); i++; }
            break;
        case H_CLOSE: if (body) body(arg, p + i, n - i); i = n; break;
        }
    }
    return i;
}

/* ---- server accounting ------------------------------------------------------------------- */
static int spids[32], nsp;
static void server_usage(double *cpu, double *rss_kb, int *nproc) {
    static int pid[4096], pp[4096]; static double c[4096], r[4096]; int n = 0, changed = 1; char mark[4096] = {0};
    *cpu = *rss_kb = 0; *nproc = 0; if (!nsp) return;
    DIR *d = opendir("/proc"); struct dirent *e; long tick = sysconf(_SC_CLK_TCK), pg = sysconf(_SC_PAGESIZE) / 1024;
    while (d && (e = readdir(d)) && n < 4096) {
        int id = atoi(e->d_name); if (!id) continue;
        char f[64], b[1024]; sprintf(f, "/proc/%d/stat", id); FILE *s = fopen(f, "r"); if (!s) continue;
        size_t k = fread(b, 1, 1023, s); fclose(s); b[k] = 0; char *q = strrchr(b, ')'); if (!q) continue;
        int ppid; unsigned long ut, st; long rss;
        if (sscanf(q + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %ld", &ppid, &ut, &st, &rss) != 4) continue;
        pid[n] = id; pp[n] = ppid; c[n] = (double)(ut + st) / tick; r[n] = (double)rss * pg; n++;
    }
    if (d) closedir(d);
    for (int i = 0; i < n; i++) for (int j = 0; j < nsp; j++) if (pid[i] == spids[j]) mark[i] = 1;
    while (changed) { changed = 0; for (int i = 0; i < n; i++) if (!mark[i]) for (int j = 0; j < n; j++) if (mark[j] && pid[j] == pp[i]) { mark[i] = 1; changed = 1; break; } }
    for (int i = 0; i < n; i++) if (mark[i]) { *cpu += c[i]; *rss_kb += r[i]; ++*nproc; }
}

/* ---- state ------------------------------------------------------------------------------- */
typedef struct { int kind, fd, idx, up, room; http_t h; char *carry; int cl, ccap; long got; uint64_t *bits; } sub_t;          /* kind 0 */
typedef struct { int kind, fd, idx, connected, inflight; http_t h; char *ob; int ol, ocap; } pub_t;                             /* kind 1 */
static int N = 100, K = 4, DEPTH = 1, LAG = 0, ROOMS = 1, SETTLE = 500, CONC = 128, JSON = 0, REPLAY = 0; static int SPIN = 0; static double GIVEUP = 8, RATE = 0, DUR = 0, IDLE = -1; static long M = 0, WARM = 0;
static const char *BODY = "{\"seq\":%SEQ%,\"t\":%T%}", *CTYPE = "application/json", *METHOD = "POST";
static const char *SH[16], *PH[16]; static int nSH, nPH; static url_t su, pu;
static int ep; static sub_t *subs; static pub_t *pubs; static long cap; static int64_t *sent, *last_at; static int *seen_by;
static uint32_t *lat; static size_t nlat, caplat; static long uniq, dups, published, acked, puberr, completed, nup, ndown, bytes_in, reads_in; static int64_t first_pub, last_recv, t_read;

static int conn_nb(struct sockaddr_in *sa) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1; if (fd < 0) die("socket (raise ulimit -n)");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)sa, sizeof *sa) && errno != EINPROGRESS) die("connect");
    return fd;
}
static void watch(int op, int fd, uint32_t ev, void *p) { struct epoll_event e = {.events = ev, .data.ptr = p}; if (epoll_ctl(ep, op, fd, &e)) die("epoll_ctl"); }

static long num_after(const char *s, const char *e, const char *key, int kl, int64_t *out) { /* finds key["\\]*: *<int> */
    const char *p = s;
    while ((p = memmem(p, e - p, key, kl))) {
        p += kl; const char *q = p; while (q < e && (*q == '"' || *q == '\\')) q++;
        if (q == p || q >= e || *q != ':') continue;
        q++; while (q < e && *q == ' ') q++;
        if (q < e && *q >= '0' && *q <= '9') { int64_t v = 0; while (q < e && *q >= '0' && *q <= '9') v = v * 10 + (*q++ - '0'); *out = v; return 1; }
    }
    return 0;
}
static void on_line(sub_t *c, const char *p, const char *e) {
    int64_t seq, t;
    if (!num_after(p, e, "seq", 3, &seq) || seq < 0 || seq >= cap) return;
    uint64_t b = 1ULL << (seq & 63);
    if (c->bits[seq >> 6] & b) { dups++; return; }
    c->bits[seq >> 6] |= b; c->got++; uniq++;
    if (!num_after(p, e, "\"t", 2, &t)) t = sent[seq];
    int64_t l = (t_read - t) / 1000; if (l < 0) l = 0;
    if (nlat < caplat) lat[nlat++] = l > 4000000000LL ? 4000000000U : (uint32_t)l;
    if (t_read > last_at[seq]) last_at[seq] = t_read;
    last_recv = t_read; seen_by[seq]++;
}
static void sub_body(void *a, const char *p, size_t n) {
    sub_t *c = a; const char *e = p + n, *nl;
    while (p < e && (nl = memchr(p, '\n', e - p))) {
        if (c->cl) {
            int k = nl - p; if (c->cl + k > c->ccap) { c->ccap = c->cl + k + 256; c->carry = realloc(c->carry, c->ccap); }
            memcpy(c->carry + c->cl, p, k); on_line(c, c->carry, c->carry + c->cl + k); c->cl = 0;
        } else if (nl - p > 4) on_line(c, p, nl);
        p = nl + 1;
    }
    if (p < e) { int k = e - p; if (c->cl + k > c->ccap) { c->ccap = c->cl + k + 256; c->carry = realloc(c->carry, c->ccap); } memcpy(c->carry + c->cl, p, k); c->cl += k; }
}
static void sub_open(sub_t *c) {
    c->fd = conn_nb(&su.sa); http_reset(&c->h); watch(EPOLL_CTL_ADD, c->fd, EPOLLOUT, c);
}
static void sub_send_request(sub_t *c) {
    char path[2048], b[8192], h[2048]; expand(path, sizeof path, su.path, 0, 0, c->room, c->idx);
    int n = snprintf(b, sizeof b, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n", path, su.host);
    for (int i = 0; i < nSH; i++) { expand(h, sizeof h, SH[i], 0, 0, c->room, c->idx); n += snprintf(b + n, sizeof b - n, "%s\r\n", h); }
    n += snprintf(b + n, sizeof b - n, "\r\n");
    if (write(c->fd, b, n) != n) die("write subscribe request");
    watch(EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
}
static char rbuf[1 << 18];
static void sub_io(sub_t *c, uint32_t ev) {
    if (ev & EPOLLOUT) { int er = 0; socklen_t l = sizeof er; getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &er, &l); if (er) { errno = er; die("subscriber connect"); } sub_send_request(c); return; }
    ssize_t n = read(c->fd, rbuf, sizeof rbuf);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) { if (!c->up) die("stream closed before it was established"); close(c->fd); c->fd = -1; ndown++; return; }
    bytes_in += n; reads_in++; t_read = now_ns(); int done; size_t k = 0;
    while (k < (size_t)n) {
        k += http_feed(&c->h, rbuf + k, n - k, sub_body, c, &done);
        if (done) { close(c->fd); c->fd = -1; ndown++; break; }
    }
    if (!c->up && c->h.st != H_HEAD) {
        if (c->h.status != 200) { fprintf(stderr, "ssefan: stream %d: status %d: %.*s\n", c->idx, c->h.status, (int)(n > 600 ? 600 : n), rbuf); exit(2); }
        c->up = 1; nup++;
    }
}
static void pub_open(pub_t *c) { c->fd = conn_nb(&pu.sa); c->connected = 0; http_reset(&c->h); watch(EPOLL_CTL_ADD, c->fd, EPOLLIN | EPOLLOUT, c); }
static void pub_flush(pub_t *c) {
    while (c->ol) { ssize_t n = write(c->fd, c->ob, c->ol); if (n < 0) { if (errno == EAGAIN) break; die("publish write"); } memmove(c->ob, c->ob + n, c->ol - n); c->ol -= n; }
    watch(EPOLL_CTL_MOD, c->fd, EPOLLIN | (c->ol ? EPOLLOUT : 0), c);
}
static void publish(pub_t *c) {
    static char path[2048], body[65536], b[80000], h[2048]; long s = published++, room = s % ROOMS; int64_t t = now_ns();
    sent[s] = t; if (!first_pub) first_pub = t;
    expand(path, sizeof path, pu.path, s, t, room, 0); int bl = expand(body, sizeof body, BODY, s, t, room, 0);
    int n = snprintf(b, sizeof b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n", METHOD, path, pu.host, CTYPE, bl);
    for (int i = 0; i < nPH; i++) { expand(h, sizeof h, PH[i], s, t, room, 0); n += snprintf(b + n, sizeof b - n, "%s\r\n", h); }
    n += snprintf(b + n, sizeof b - n, "\r\n"); memcpy(b + n, body, bl); n += bl;
    if (c->fd < 0) pub_open(c);
    if (c->ol + n > c->ocap) { c->ocap = c->ol + n + 65536; c->ob = realloc(c->ob, c->ocap); }
    memcpy(c->ob + c->ol, b, n); c->ol += n; c->inflight++;
    if (c->connected) pub_flush(c);
}
static void pub_io(pub_t *c, uint32_t ev) {
    if (!c->connected && (ev & EPOLLOUT)) { int er = 0; socklen_t l = sizeof er; getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &er, &l); if (er) { errno = er; die("publisher connect"); } c->connected = 1; }
    if (ev & EPOLLOUT) pub_flush(c);
    if (!(ev & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    ssize_t n = read(c->fd, rbuf, sizeof rbuf); if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        close(c->fd); c->fd = -1; c->connected = 0;
        if (c->h.st == H_CLOSE) { acked++; if (c->h.status / 100 != 2) puberr++; c->inflight--; }
        if (c->inflight > 0) { puberr += c->inflight; acked += c->inflight; c->inflight = 0; }
        c->ol = 0; http_reset(&c->h); return;
    }
    size_t k = 0; int done;
    while (k < (size_t)n) {
        k += http_feed(&c->h, rbuf + k, n - k, NULL, NULL, &done);
        if (done) {
            if (c->h.status / 100 != 2) { if (!puberr++) fprintf(stderr, "ssefan: publish answered %d: %.*s\n", c->h.status, (int)(n > 400 ? 400 : n), rbuf); }
            acked++; c->inflight--; int cl = c->h.close_after; http_reset(&c->h);
            if (cl) { close(c->fd); c->fd = -1; c->connected = 0; return; }
        }
    }
}
static void turn(int64_t max_wait_ns) {
    static struct epoll_event ev[1024]; if (max_wait_ns < 0 || SPIN) max_wait_ns = 0;
    struct timespec ts = {max_wait_ns / 1000000000, max_wait_ns % 1000000000};
    int n = epoll_pwait2(ep, ev, 1024, &ts, NULL); if (n < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < n; i++) { int kind = *(int *)ev[i].data.ptr; if (kind == 0) sub_io(ev[i].data.ptr, ev[i].events); else pub_io(ev[i].data.ptr, ev[i].events); }
}
static int room_size(long r) { return N / ROOMS + (r < N % ROOMS); }
static void advance_completed(void) { while (completed < published && seen_by[completed] >= room_size(completed % ROOMS)) completed++; }
static void connect_all(void) {
    int next = 0; int64_t t0 = now_ns();
    while (nup < N) {
        while (next < N && next - nup < CONC) sub_open(&subs[next++]);
        turn(20000000);
        if (now_ns() - t0 > 120000000000LL) { fprintf(stderr, "ssefan: only %ld of %d streams up after 120 s\n", nup, N); exit(2); }
    }
}
static void spin_for(double s) { int64_t t = now_ns() + (int64_t)(s * 1e9); while (now_ns() < t) turn(t - now_ns()); }
static void publish_all(void) {
    long total = M ? M : (long)(RATE * DUR + 0.5); int64_t start = now_ns(); int rr = 0;
    while (published < total) {
        int64_t wait = 50000000;
        if (LAG) advance_completed();
        if (RATE > 0) {
            int64_t due = start + (int64_t)(published * 1e9 / RATE), n = now_ns();
            if (n >= due) { pub_t *c = &pubs[rr++ % K]; for (int i = 0; i < K && c->inflight; i++) c = &pubs[rr++ % K]; publish(c); continue; } /* an idle connection if there is one */
            wait = due - n;
        } else {
            int did = 0;
            for (int i = 0; i < K && published < total; i++) { pub_t *c = &pubs[rr++ % K]; while (c->inflight < DEPTH && published < total && (!LAG || published - completed < LAG)) { publish(c); did = 1; } }
            (void)did;
            if (last_recv && now_ns() - last_recv > GIVEUP * 1e9) { fprintf(stderr, "ssefan: stalled while publishing\n"); break; }
        }
        turn(wait);
    }
}
static int cmp32(const void *a, const void *b) { uint32_t x = *(uint32_t *)a, y = *(uint32_t *)b; return x < y ? -1 : x > y; }
static double pct(uint32_t *a, size_t n, double p) { if (!n) return 0; size_t i = (size_t)(p * (n - 1) + 0.5); return a[i] / 1000.0; }

int main(int ac, char **av) {
    int o; const char *su_s = NULL, *pu_s = NULL;
    while ((o = getopt(ac, av, "u:n:H:P:Q:b:T:X:r:d:m:k:D:l:g:G:c:w:W:s:i:yjz")) != -1) switch (o) {
        case 'u': su_s = optarg; break; case 'n': N = atoi(optarg); break; case 'H': SH[nSH++] = optarg; break;
        case 'P': pu_s = optarg; break; case 'Q': PH[nPH++] = optarg; break; case 'b': BODY = optarg; break;
        case 'T': CTYPE = optarg; break; case 'X': METHOD = optarg; break; case 'r': RATE = atof(optarg); break;
        case 'd': DUR = atof(optarg); break; case 'm': M = atol(optarg); break; case 'k': K = atoi(optarg); break;
        case 'D': DEPTH = atoi(optarg); break; case 'l': LAG = atoi(optarg); break; case 'g': ROOMS = atoi(optarg); break;
        case 'G': SETTLE = atoi(optarg); break; case 'c': CONC = atoi(optarg); break; case 'w': GIVEUP = atof(optarg); break; case 'W': WARM = atol(optarg); break;
        case 's': spids[nsp++] = atoi(optarg); break; case 'i': IDLE = atof(optarg); break; case 'z': SPIN = 1; break; case 'y': REPLAY = 1; break; case 'j': JSON = 1; break;
        default: fprintf(stderr, "see the comment at the top of ssefan.c\n"); return 2; }
    if (!su_s || (!pu_s && IDLE < 0)) { fprintf(stderr, "ssefan: -u and -P (or -i) are needed\n"); return 2; }
    parse_url(su_s, &su); if (pu_s) parse_url(pu_s, &pu);
    struct rlimit rl; getrlimit(RLIMIT_NOFILE, &rl); rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl);
    ep = epoll_create1(EPOLL_CLOEXEC); cap = (M ? M : (long)(RATE * DUR + 0.5)) + 1; long words = (cap + 63) / 64;
    subs = calloc(N, sizeof *subs); pubs = calloc(K, sizeof *pubs); sent = calloc(cap, 8); last_at = calloc(cap, 8); seen_by = calloc(cap, sizeof(int));
    uint64_t *bits = calloc((size_t)N * words, 8); caplat = (size_t)N * cap; if (caplat > 400000000) caplat = 400000000; lat = malloc(caplat * 4 + 4);
    for (int i = 0; i < N; i++) { subs[i].idx = i; subs[i].fd = -1; subs[i].room = i % ROOMS; subs[i].bits = bits + (size_t)i * words; }
    for (int i = 0; i < K; i++) { pubs[i].kind = 1; pubs[i].idx = i; pubs[i].fd = -1; }

    double cpu0, rss0, cpu1, rss1, cpu2, rss2; int np; server_usage(&cpu0, &rss0, &np);
    int64_t tc = now_ns();
    if (REPLAY) { int sv = nsp; (void)sv; publish_all(); int64_t t = now_ns() + 60000000000LL; while (acked < published && now_ns() < t) turn(20000000);
        server_usage(&cpu1, &rss1, &np); tc = now_ns(); first_pub = tc; last_recv = tc; for (long i = 0; i < cap; i++) sent[i] = tc; connect_all(); }
    else { connect_all(); }
    double t_conn = (now_ns() - tc) / 1e9; spin_for(REPLAY ? 0 : SETTLE / 1000.0); if (IDLE >= 0) spin_for(IDLE);
    if (!REPLAY) server_usage(&cpu1, &rss1, &np); else { double d; server_usage(&d, &rss1, &np); }
    if (IDLE >= 0) {
        printf("{\"tool\":\"ssefan\",\"mode\":\"idle\",\"n\":%d,\"connect_s\":%.3f,\"conn_per_s\":%.0f,\"nproc\":%d,\"rss0_kb\":%.0f,\"rss_kb\":%.0f,\"kb_per_conn\":%.2f,\"connect_cpu_s\":%.2f,\"down\":%ld}\n", N, t_conn, N / t_conn, np, rss0, rss1, (rss1 - rss0) / N, cpu1 - cpu0, ndown);
        return ndown != 0;
    }
    struct rusage ru0, ru1; getrusage(RUSAGE_SELF, &ru0); long r0 = reads_in;
    if (!REPLAY) publish_all();
    long expect = 0; for (long s = 0; s < published; s++) expect += room_size(s % ROOMS);
    int64_t prog = now_ns(); long lastu = -1;
    while (uniq < expect || acked < published) { turn(50000000); if (uniq != lastu) { lastu = uniq; prog = now_ns(); } if (now_ns() - prog > GIVEUP * 1e9) break; }
    getrusage(RUSAGE_SELF, &ru1); server_usage(&cpu2, &rss2, &np); long r1 = reads_in;
    spin_for(0.1); /* late duplicates */
    double secs = (last_recv - first_pub) / 1e9; long incomplete = 0;
    for (int i = 0; i < N; i++) { long want = 0; for (long s = i % ROOMS; s < published; s += ROOMS) want++; if (subs[i].got != want) incomplete++; }
    uint32_t *ls = malloc(published * 4 + 4); size_t nls = 0;
    for (long s = WARM; s < published; s++) if (last_at[s]) ls[nls++] = (last_at[s] - sent[s]) / 1000;
    if (REPLAY) { nlat = 0; nls = 0; }
    qsort(lat, nlat, 4, cmp32); qsort(ls, nls, 4, cmp32);
    double ccpu = (ru1.ru_utime.tv_sec + ru1.ru_stime.tv_sec - ru0.ru_utime.tv_sec - ru0.ru_stime.tv_sec) + (ru1.ru_utime.tv_usec + ru1.ru_stime.tv_usec - ru0.ru_utime.tv_usec - ru0.ru_stime.tv_usec) / 1e6;
    if (!JSON) printf("%d streams up in %.2f s; %ld published, %ld acked (%ld errors) in %.3f s\n%ld of %ld deliveries, %ld missing, %ld dup, %ld incomplete streams, %ld dropped\n%.0f deliveries/s; server cpu %.2f s = %.2f s/100k deliveries; client cpu %.2f s\nlatency ms p50 %.2f p90 %.2f p99 %.2f max %.2f; last-of-all ms p50 %.2f p99 %.2f max %.2f\n",
        N, t_conn, published, acked, puberr, secs, uniq, expect, expect - uniq, dups, incomplete, ndown, uniq / secs, cpu2 - cpu1, uniq ? (cpu2 - cpu1) * 1e5 / uniq : 0, ccpu, pct(lat, nlat, .5), pct(lat, nlat, .9), pct(lat, nlat, .99), pct(lat, nlat, 1), pct(ls, nls, .5), pct(ls, nls, .99), pct(ls, nls, 1));
    printf("{\"tool\":\"ssefan\",\"mode\":\"%s\",\"n\":%d,\"published\":%ld,\"puberr\":%ld,\"secs\":%.4f,\"deliveries\":%ld,\"missing\":%ld,\"dup\":%ld,\"incomplete\":%ld,\"down\":%ld,\"deliv_per_s\":%.0f,\"per_read\":%.2f,\"srv_cpu_s\":%.3f,\"cpu_s_per_100k\":%.4f,\"srv_cpu_pct\":%.0f,\"client_cpu_pct\":%.0f,\"lat_p50\":%.3f,\"lat_p90\":%.3f,\"lat_p99\":%.3f,\"lat_max\":%.3f,\"last_p50\":%.3f,\"last_p99\":%.3f,\"last_max\":%.3f,\"rss0_kb\":%.0f,\"rss_up_kb\":%.0f,\"rss_end_kb\":%.0f,\"connect_s\":%.3f}\n",
        REPLAY ? "replay" : RATE > 0 ? "rate" : "burst", N, published, puberr, secs, uniq, expect - uniq, dups, incomplete, ndown, uniq / secs, r1 > r0 ? (double)uniq / (r1 - r0) : 0, cpu2 - cpu1, uniq ? (cpu2 - cpu1) * 1e5 / uniq : 0, 100 * (cpu2 - cpu1) / secs, 100 * ccpu / secs,
        pct(lat, nlat, .5), pct(lat, nlat, .9), pct(lat, nlat, .99), pct(lat, nlat, 1), pct(ls, nls, .5), pct(ls, nls, .99), pct(ls, nls, 1), rss0, rss1, rss2, t_conn);
    return (expect != uniq || dups || puberr) ? 1 : 0;
}
