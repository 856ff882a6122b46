# The script and style of the SVG become C strings (src/render/assets.h declares them).
WEB_ASSETS := flame_css=web/flame.css flame_js=web/flame.js
OBJ += $(B)/web/assets.o
CORE_OBJ += $(B)/web/assets.o

$(B)/web/assets.c: $(foreach a,$(WEB_ASSETS),$(lastword $(subst =, ,$(a)))) web/embed.awk web/web.mk
	@mkdir -p $(@D)
	$(call say,EMBED,$@)
	$(Q)awk -f web/embed.awk $(WEB_ASSETS) >$@.new && mv $@.new $@

$(B)/web/assets.o: $(B)/web/assets.c
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@
