/* SPDX-License-Identifier: BSD-2-Clause */
/* The one list of cases, which every kind of port has to pass. */
#ifndef LEAT_TESTS_PORT_CASES_H
#define LEAT_TESTS_PORT_CASES_H

#define PORT_CASES(X)                                                                \
    X(tells_the_truth_about_itself, "tells the truth about itself")                  \
    X(receives, "receive")                                                           \
    X(receives_by_single_packets, "receive by single packets")                       \
    X(received_buffers_are_the_programs, "ownership of received buffers")            \
    X(receives_after_running_out_of_buffers, "receive after running out of buffers") \
    X(receives_frames_of_several_buffers, "receive frames of several buffers")       \
    X(says_where_and_when, "metadata of received frames")                            \
    X(sends, "transmit")                                                             \
    X(sends_whole_frames_only, "transmit a prefix of whole frames")                  \
    X(sends_frames_of_several_buffers, "transmit frames of several buffers")         \
    X(leaves_to_the_program_what_it_does_not_take, "ownership of what is not taken") \
    X(holds_back_when_it_is_full, "back-pressure")                                   \
    X(counts_what_can_never_be_sent, "frames that can never be sent")                \
    X(counts_to_the_packet, "counters that add up to the packet")                    \
    X(opens_again_after_closing, "close and reopen")                                 \
    X(closes_with_packets_in_flight, "close with packets in flight")                 \
    X(wakes_a_sleeper, "wait and wake")                                              \
    X(refuses_wrong_options, "wrong options")                                        \
    X(refuses_wrong_queues, "wrong queues")                                          \
    X(refuses_what_is_not_there, "a device that is not there")

#define PORT_CASE_DECLARE(function, title) void function(void **state);
PORT_CASES(PORT_CASE_DECLARE)
#undef PORT_CASE_DECLARE

#endif
