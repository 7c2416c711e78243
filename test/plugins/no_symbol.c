// SPDX-License-Identifier: MIT
/* no_symbol - a shared object that is no plug-in: its symbol is a number. */

extern const int banyan_plugin;
const int banyan_plugin = 42;
