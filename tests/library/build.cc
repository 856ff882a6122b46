/* SPDX-License-Identifier: MIT */
/*
 * A stranger's program in C++17: turns lines "MODULE KIND FUNCTION:LINE;FUNCTION:LINE... COUNT" of standard
 * input into a profile, root first, and writes it into each file named, by its extension. `a>b` is a frame of
 * `a` with `b` inlined.
 */
#include <perfprof.h>

#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace
{

struct destroy {
	void operator()(perfprof_builder *b) const { perfprof_builder_destroy(b); }
	void operator()(perfprof_profile *p) const { perfprof_profile_destroy(p); }
	void operator()(perfprof_error *e) const { perfprof_error_destroy(e); }
};
template <class T> using owned = std::unique_ptr<T, destroy>;

int complain(perfprof_error *e)
{
	owned<perfprof_error> error(e);
	std::cerr << perfprof_error_code(e) << ' ' << perfprof_error_text(e) << '\n';
	return 1;
}

std::vector<std::string> split(const std::string &text, char at)
{
	std::vector<std::string> parts;
	std::istringstream stream(text);
	for (std::string part; std::getline(stream, part, at);)
		parts.push_back(part);
	return parts;
}

struct adder {
	perfprof_builder *b;
	std::map<std::string, uint32_t> modules, functions;

	uint32_t module(const std::string &path)
	{
		auto [at, is_new] = modules.try_emplace(path);
		if (is_new)
			at->second = perfprof_builder_add_module(b, path.c_str(), nullptr);
		return at->second;
	}

	uint32_t function(const std::string &name)
	{
		auto [at, is_new] = functions.try_emplace(name);
		if (is_new)
			at->second = perfprof_builder_add_function(b, name.c_str(), nullptr, "x.cc", 1);
		return at->second;
	}

	uint32_t frame(uint32_t module, perfprof_kind kind, const std::string &text)
	{
		auto id = perfprof_builder_add_frame(b, module, 0, kind);
		auto names = split(text, '>');
		for (auto name = names.rbegin(); name != names.rend(); ++name) {
			auto parts = split(*name, ':');
			perfprof_builder_add_line(b, id, function(parts[0]),
						  uint32_t(std::stoul(parts.at(1))));
		}
		return id;
	}

	void line(const std::string &text)
	{
		std::istringstream words(text);
		std::string path, frames;
		int kind;
		uint64_t count;
		words >> path >> kind >> frames >> count;
		uint32_t stack = 0;
		for (auto &part : split(frames, ';'))
			stack = perfprof_builder_add_stack(
				b, stack, frame(module(path), perfprof_kind(kind), part));
		auto thread = perfprof_builder_add_thread(b, 10, 11, "stranger");
		perfprof_builder_add_samples(b, thread, stack, nullptr, count, count * 1000);
	}
};

} // namespace

int main(int argc, char **argv)
{
	perfprof_error *err = nullptr;
	perfprof_builder *created = nullptr;
	if (perfprof_builder_create(&created, &err) < 0)
		return complain(err);
	owned<perfprof_builder> b(created);
	adder add{ b.get(), {}, {} };
	for (std::string text; std::getline(std::cin, text);)
		add.line(text);
	perfprof_profile *built = nullptr;
	if (perfprof_builder_build(b.get(), &built, &err) < 0)
		return complain(err);
	owned<perfprof_profile> p(built);
	for (int i = 1; i < argc; i++)
		if (perfprof_write_file(p.get(), argv[i], PERFPROF_FORMAT_OF_NAME, 0, &err) < 0)
			return complain(err);
	return 0;
}
