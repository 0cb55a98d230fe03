/* What KubeVirt puts into a container that holds a disk, a kernel or an initial RAM disk of a VM, and runs there: it keeps the
 * container, and with it the files, for as long as its socket is there.
 *
 * usage: container-disk --copy-path PATH    listens on PATH.sock
 *        container-disk --no-op             ends at once: that the image is there was all that was asked */
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void on_term(int number) {
  (void)number;
  unlink(address.sun_path);
  _exit(0);
}

static int failed(const char* what) {
  perror(what);
  return 1;
}

int main(int count, char** words) {
  if (count == 2 && strcmp(words[1], "--no-op") == 0) return 0;
  if (count != 3 || strcmp(words[1], "--copy-path") != 0) {
    fprintf(stderr, "usage: container-disk --copy-path PATH | --no-op\n");
    return 2;
  }
  if (snprintf(address.sun_path, sizeof address.sun_path, "%s.sock", words[2]) >= (int)sizeof address.sun_path) {
    fprintf(stderr, "%s: too long for a socket\n", words[2]);
    return 2;
  }
  umask(0);
  mkdir(dirname(words[2]), 0777); /* mostly it is there */
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return failed("socket");
  signal(SIGTERM, on_term);
  if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0) return failed(address.sun_path);
  if (listen(listener, 10) != 0) return failed("listen");
  struct stat there;
  while (stat(address.sun_path, &there) == 0) {
    struct pollfd visitors = {.fd = listener, .events = POLLIN};
    if (poll(&visitors, 1, 1000) > 0) close(accept(listener, NULL, NULL)); /* they only look whether somebody answers */
  }
  return 0;
}
