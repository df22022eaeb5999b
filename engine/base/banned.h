/* SPDX-License-Identifier: Apache-2.0
 *
 * banned - calls that have bitten others, turned into compile errors.
 *
 * Force-included into every C file of the engine by the build. Memory comes
 * from base/mem.c, time from base/clock.c; these two lift their part of the ban
 * with #undef, nobody else does. The headers that declare the banned calls are
 * included first, so that the macros never meet a declaration. */
#ifndef TAPPET_BASE_BANNED_H
#define TAPPET_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define BANNED(name, instead) name##_is_banned_use_##instead

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef strtok
#undef gets
#undef strdup
#undef strndup
#define strcpy(...)      BANNED(strcpy, text_dup)
#define strcat(...)      BANNED(strcat, buf)
#define strncpy(...)     BANNED(strncpy, text_dup)
#define strncat(...)     BANNED(strncat, buf)
#define sprintf(...)     BANNED(sprintf, buf_printf)
#define vsprintf(...)    BANNED(vsprintf, buf_printf)
#define strtok(...)      BANNED(strtok, text_split)
#define gets(...)        BANNED(gets, fgets)
#define localtime(...)   BANNED(localtime, zone)
#define localtime_r(...) BANNED(localtime_r, zone)
#define gmtime(...)      BANNED(gmtime, timetext)
#define mktime(...)      BANNED(mktime, zone)
#define asctime(...)     BANNED(asctime, timetext)
#define ctime(...)       BANNED(ctime, timetext)

#define malloc(...)  BANNED(malloc, mem_alloc)
#define calloc(...)  BANNED(calloc, mem_zero)
#define realloc(...) BANNED(realloc, mem_grow)
#define free(...)    BANNED(free, mem_free)
#define strdup(...)  BANNED(strdup, text_heap)
#define strndup(...) BANNED(strndup, text_heap)

#define time(...)          BANNED(time, clock_read)
#define clock_gettime(...) BANNED(clock_gettime, clock_read)
#define gettimeofday(...)  BANNED(gettimeofday, clock_read)

#endif
