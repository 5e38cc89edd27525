/* SPDX-License-Identifier: BSD-2-Clause */
/* How a shared table makes an entry (include/leat/table_shared.h), for spin: all interleavings of
 * WRITERS that insert one key, a sweeper that removes it in two steps, and a reader. A read of
 * memory is a step of its own.
 *
 * Shown: the key never has two entries; a key that was there all the time is found; in the end
 * nothing is left of who gave up, and `away` is right.
 *
 * Two buckets, the key's first and its second, of SLOTS slots. Which of them a writer takes depends
 * on how full they are, so here he takes either. MISTAKE leaves something out, for the test to see
 * that it matters. */
#ifndef WRITERS
#define WRITERS 2
#endif
#define SLOTS   2

#define EMPTY   0
#define CLAIMED 1
#define THERE   2 /* the entry's number */
#define RETIRED 3

#define FIRST   0 /* the slots of the first bucket, then those of the second */
#define SECOND  SLOTS
#define END     (2 * SLOTS)

#define AWAY_LATE    1 /* `away` counted after looking for others */
#define NO_LOOK      2 /* no second look for the key itself */
#define ONE_BUCKET   3 /* the second bucket never looked at */
#define KEY_FIRST    4 /* the key looked for before the claims */
#define NUMBER_FIRST 5 /* published before its tag is there */
#ifndef MISTAKE
#define MISTAKE 0
#endif

byte number[END];
bit tag[END];  /* of the key; stays when the entry goes */
bit entry[END]; /* has the key */
byte away;

/* For what is shown only. */
byte entries, removed;

/* One slot's part of leat_table_match_shared(), which reads all tags at once. The key is read with
 * the number: while that is THERE nobody changes it. */
inline match(at) {
    if
    :: tag[at] && !found ->
        if
        :: number[at] == THERE && entry[at] -> found = true
        :: else
        fi
    :: else
    fi
}

inline find() {
    match(FIRST);
    match(FIRST + 1);
    if
    :: !found && away != 0 ->
        match(SECOND);
        match(SECOND + 1)
    :: else
    fi
}

#define IS_CLAIMED(at) (number[at] == CLAIMED)

/* Of leat_table_rivalled(). */
inline look_for_others(bucket) {
    if
    :: MISTAKE == KEY_FIRST ->
        match(bucket);
        match(bucket + 1)
    :: else
    fi;
    claims = claims + IS_CLAIMED(bucket);
    claims = claims + IS_CLAIMED(bucket + 1);
    if
    :: MISTAKE != KEY_FIRST && MISTAKE != NO_LOOK ->
        match(bucket);
        match(bucket + 1)
    :: else
    fi
}

inline count_away(when) {
    if
    :: slot >= SECOND && when == (MISTAKE == AWAY_LATE) -> away++
    :: else
    fi
}

inline publish() {
    entry[slot] = true;
    if
    :: MISTAKE != NUMBER_FIRST -> tag[slot] = true
    :: else
    fi;
    d_step {
        number[slot] = THERE;
        entries++;
        assert(entries == 1)
    };
    tag[slot] = true
}

inline give_up() {
    if
    :: slot >= SECOND && MISTAKE != AWAY_LATE -> away--
    :: else
    fi;
    number[slot] = EMPTY
}

proctype writer(byte slot) {
    byte claims;
    bit found, got;
    find();
    if
    :: !found ->
        d_step { /* compare and swap */
            got = number[slot] == EMPTY;
            number[slot] = (got -> CLAIMED : number[slot])
        };
        if
        :: got ->
            count_away(false);
            look_for_others(FIRST);
            if
            :: slot >= SECOND || (away != 0 && MISTAKE != ONE_BUCKET) -> look_for_others(SECOND)
            :: else
            fi;
            if
            :: found || claims > 1 -> give_up()
            :: else ->
                count_away(true);
                publish()
            fi
        :: else
        fi
    :: else
    fi
}

/* Over all slots: leat_table_retire(), and leat_table_release() when that was his. */
proctype sweeper() {
    byte slot;
    bit got;
    do
    :: slot < END ->
        d_step {
            got = number[slot] == THERE;
            number[slot] = (got -> RETIRED : number[slot]);
            entries = entries - got;
            removed = removed + got
        };
        if
        :: got ->
            entry[slot] = false;
            if
            :: slot >= SECOND -> away--
            :: else
            fi;
            number[slot] = EMPTY
        :: else
        fi;
        slot++
    :: else -> break
    od
}

proctype reader() {
    byte before;
    bit found, there;
    d_step {
        there = entries;
        before = removed
    };
    find();
    assert(found || !there || removed != before)
}

init {
    byte i, slot;
    atomic {
        for (i : 1 .. WRITERS) {
            select(slot : 0 .. END - 1);
            run writer(slot)
        };
        run sweeper();
        run reader()
    };
    _nr_pr == 1;
    assert(entries == (number[0] == THERE) + (number[1] == THERE) + (number[2] == THERE) +
                      (number[3] == THERE));
    assert(away == (number[2] == THERE) + (number[3] == THERE));
    assert(number[0] != CLAIMED && number[1] != CLAIMED && number[2] != CLAIMED &&
           number[3] != CLAIMED)
}
