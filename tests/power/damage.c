/* SPDX-License-Identifier: Apache-2.0
 *
 * damage.c - pages of a store are spoilt while nobody looks; see sweep.h.
 *
 * SQLite keeps no checksums of what is in its file, so damage may go unnoticed, and nothing can be
 * promised of what it hit. What must hold: it is refused, or a batch fails, with words that name
 * the file and what to do; or it goes on. It never crashes, reads what isn't its own, or doesn't
 * end. */
#include <stdio.h>
#include <string.h>

#include "tests/power/play.h"
#include "tests/power/sweep.h"

#define PAGE 4096

enum harm { HARM_ZERO, HARM_FILL, HARM_SECTOR, HARM_OTHER, HARM_BITS, HARM_CUT, HARMS };

static const char *const words[HARMS] = { "zeroes",           "one byte all over",
					  "a sector of junk", "the next page's bytes",
					  "some bits turned", "the file ends there" };

static void spoil(struct disk_file *file, size_t page, enum harm harm, uint64_t *chance)
{
	unsigned char *at = file->data + page * PAGE;
	size_t other = (page + 1) * PAGE < file->n ? page + 1 : 0;

	if (harm == HARM_ZERO || harm == HARM_FILL)
		memset(at, harm == HARM_ZERO ? 0 : 0xa5, PAGE);
	else if (harm == HARM_OTHER)
		memcpy(at, file->data + other * PAGE, PAGE);
	else if (harm == HARM_CUT)
		file->n = page * PAGE;
	else if (harm == HARM_SECTOR)
		for (size_t i = 0, from = disk_random(chance) % 8 * DISK_SECTOR; i < DISK_SECTOR;
		     i++)
			at[from + i] = (unsigned char)disk_random(chance);
	for (int i = 0; harm == HARM_BITS && i < 4; i++)
		at[disk_random(chance) % PAGE] ^= (unsigned char)(1u << disk_random(chance) % 8);
}

static void check_words(struct bridge *b, const struct store_error *error)
{
	bool last = error->kind == STORE_OTHER; /* SQLite's own words are all there is to say */

	if (strstr(error->text, b->setting->database) == NULL)
		bridge_wrong(b, "it doesn't say which file: %s", error->text);
	if (!last && store_hint(error)[0] == '\0')
		bridge_wrong(b, "it doesn't say what to do: %s", error->text);
}

static void open_spoilt(struct sweep *s, struct bridge *b)
{
	struct store *store;
	struct store_error error;

	if (store_open(s->setting->store_name, &store, &error) != FATE_OK) {
		check_words(b, &error);
		s->refused++;
		return;
	}
	store_close(store);
	b->troubled = b->stays = true;
	bridge_open(b);
	play_again(b);
	if (b->gave_up && b->store != NULL)
		check_words(b, store_last_error(b->store));
	s->failures += b->gave_up ? 1 : 0;
}

static void try_page(struct sweep *s, const struct disk *good, size_t page, enum harm harm)
{
	uint64_t chance = s->seed + page * HARMS + (uint64_t)harm;
	struct disk *disk = disk_copy(good);
	struct bridge b;

	spoil(&disk->files[disk_find(disk, s->setting->database)], page, harm, &chance);
	bridge_init(&b, s->setting, s->vfs);
	vfs_mount(s->vfs, disk);
	open_spoilt(s, &b);
	bridge_close(&b);
	s->points++;
	if (b.wrong[0] != '\0') {
		s->wrong++;
		printf("WRONG page %zu, %s: %s\n", page + 1, words[harm], b.wrong);
	}
	bridge_fini(&b);
	vfs_mount(s->vfs, NULL);
	disk_free(disk);
}

void sweep_damage(struct sweep *s)
{
	struct disk *disk = disk_new();
	struct bridge b;
	size_t pages;

	bridge_init(&b, s->setting, s->vfs);
	vfs_mount(s->vfs, disk);
	play_short(&b);
	bridge_close(&b);
	vfs_mount(s->vfs, NULL);
	s->wrong += b.wrong[0] != '\0' ? 1 : 0;
	bridge_fini(&b);
	pages = disk->files[disk_find(disk, s->setting->database)].n / PAGE;
	for (size_t n = s->seed % s->stride; n < pages * HARMS; n += s->stride)
		try_page(s, disk, n / HARMS, (enum harm)(n % HARMS));
	disk_free(disk);
}
