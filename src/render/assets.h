/* SPDX-License-Identifier: MIT */
#ifndef RENDER_ASSETS_H
#define RENDER_ASSETS_H

/* The files of web/, made into C by web/embed.awk; free of "]]>". */
extern const char web_flame_css[];
extern const char web_flame_js[];

#endif
