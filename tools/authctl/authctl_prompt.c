
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "authctl_fail.h"
#include "authctl_prompt.h"


/* those that the keyboard, or the end of a session, may send */

static const int  authctl_prompt_signals[] = {
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP
};

#define AUTHCTL_PROMPT_SIGNALS                                                \
    (sizeof(authctl_prompt_signals) / sizeof(authctl_prompt_signals[0]))


typedef struct {
    int                      fd;
    struct termios           termios;       /* as it was */
    struct sigaction         actions[AUTHCTL_PROMPT_SIGNALS];
} authctl_prompt_t;


static int authctl_prompt_ask(authctl_prompt_t *prompt,
    authctl_secret_t *secret, const char *text);
static int authctl_prompt_hide(authctl_prompt_t *prompt);
static void authctl_prompt_show(authctl_prompt_t *prompt);
static int authctl_prompt_read_line(int fd, authctl_secret_t *secret);
static void authctl_prompt_write(int fd, const char *text);
static void authctl_prompt_signal_handler(int signo);


/* set by the signal handler, which can do no more than that */

static volatile sig_atomic_t  authctl_prompt_signo;


int
authctl_prompt_read(authctl_secret_t *secret, const char *text)
{
    int               status;
    authctl_prompt_t  prompt;

    prompt.fd = open("/dev/tty", O_RDWR|O_CLOEXEC);

    if (prompt.fd == -1) {
        return authctl_fail(AUTHCTL_USAGE, "cannot open \"/dev/tty\": %s",
                            strerror(errno));
    }

    do {
        status = authctl_prompt_ask(&prompt, secret, text);

    } while (status == -1);

    close(prompt.fd);

    return status;
}


/* -1: a signal came and the process goes on, ask again */

static int
authctl_prompt_ask(authctl_prompt_t *prompt, authctl_secret_t *secret,
    const char *text)
{
    int  ok;

    if (!authctl_prompt_hide(prompt)) {
        return authctl_fail(AUTHCTL_USAGE, "cannot hide what is typed: %s",
                            strerror(errno));
    }

    authctl_prompt_write(prompt->fd, text);
    ok = authctl_prompt_read_line(prompt->fd, secret);
    authctl_prompt_write(prompt->fd, "\n");

    authctl_prompt_show(prompt);

    if (authctl_prompt_signo != 0) {
        (void) kill(getpid(), authctl_prompt_signo);
        return -1;
    }

    return ok ? AUTHCTL_OK
              : authctl_fail(AUTHCTL_USAGE, "no line was typed");
}


static int
authctl_prompt_hide(authctl_prompt_t *prompt)
{
    size_t            i;
    struct termios    hidden;
    struct sigaction  action;

    if (tcgetattr(prompt->fd, &prompt->termios) == -1) {
        return 0;
    }

    /* without SA_RESTART, so that a signal ends the read() */

    memset(&action, 0, sizeof(struct sigaction));
    action.sa_handler = authctl_prompt_signal_handler;
    sigemptyset(&action.sa_mask);

    authctl_prompt_signo = 0;

    for (i = 0; i < AUTHCTL_PROMPT_SIGNALS; i++) {
        (void) sigaction(authctl_prompt_signals[i], &action,
                         &prompt->actions[i]);
    }

    hidden = prompt->termios;
    hidden.c_lflag &= ~(tcflag_t) (ECHO|ECHOE|ECHOK|ECHONL);

    if (tcsetattr(prompt->fd, TCSAFLUSH, &hidden) == -1) {
        authctl_prompt_show(prompt);
        return 0;
    }

    return 1;
}


static void
authctl_prompt_show(authctl_prompt_t *prompt)
{
    size_t  i;

    while (tcsetattr(prompt->fd, TCSAFLUSH, &prompt->termios) == -1
           && errno == EINTR)
    {
        /* void */
    }

    for (i = 0; i < AUTHCTL_PROMPT_SIGNALS; i++) {
        (void) sigaction(authctl_prompt_signals[i], &prompt->actions[i],
                         NULL);
    }
}


static int
authctl_prompt_read_line(int fd, authctl_secret_t *secret)
{
    ssize_t  n;

    secret->len = 0;

    while (authctl_prompt_signo == 0 && secret->len < AUTHCTL_SECRET_MAX) {
        n = read(fd, secret->data + secret->len, 1);

        if (n != 1) {
            return 0;
        }

        if (secret->data[secret->len++] == '\n') {
            return 1;
        }
    }

    return 0;
}


static void
authctl_prompt_write(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) == -1) {

        /* void: nobody sees the prompt, but the line can be read */
    }
}


static void
authctl_prompt_signal_handler(int signo)
{
    authctl_prompt_signo = signo;
}
