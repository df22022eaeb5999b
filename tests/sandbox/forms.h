/* SPDX-License-Identifier: Apache-2.0
 *
 * forms - the rest of the HINDSITE API: tasks, forms, decisions, assets.
 *
 * Follows https://api-docs.hindsiteind.com/. Members the pages don't show are left out; missing and
 * wrong parameters are refused the way Ruby's Grape does, which those pages are made with.
 */
#ifndef SANDBOX_FORMS_H
#define SANDBOX_FORMS_H

#include "tests/sandbox/routes.h"

answer_fn forms_task;
answer_fn forms_journey;
answer_fn forms_decision;
answer_fn forms_form_decision;
answer_fn forms_assets;
answer_fn forms_asset;
answer_fn forms_search;

#endif
