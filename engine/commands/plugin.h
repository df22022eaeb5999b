/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin - what the files of `tappet plugin` share and nobody else includes. */
#ifndef TAPPET_COMMANDS_PLUGIN_H
#define TAPPET_COMMANDS_PLUGIN_H

#include "engine/commands/command.h"

int plugin_list(struct context *context);

#endif
