/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands of `leat`, and how they end. */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

/* Exit codes, for scripts. */
enum command_exit {
    COMMAND_OK = 0,
    COMMAND_FAILED = 1,  /* a sentence on standard error says what and why */
    COMMAND_USAGE = 2,   /* the command line was wrong */
    COMMAND_CHECKED = 3, /* it ran, and what it checked was not so: frames lost or altered */
};

/* argv[0] is the subcommand's name. Each returns an exit code. */
int cmd_fwd(int argc, char **argv);
int cmd_gen(int argc, char **argv);
int cmd_recv(int argc, char **argv);
int cmd_cap(int argc, char **argv);
int cmd_probe(int argc, char **argv);
int cmd_ports(int argc, char **argv);
int cmd_softnic(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_xdp(int argc, char **argv);

#endif
