// SPDX-License-Identifier: MIT
// Templates, lambdas, inlined calls, exceptions, constructors and local classes for symbol_oracle.py.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace shapes
{
struct base {
	virtual ~base() = default;
	virtual double area() const = 0;
};

template <typename T, int N> struct polygon : base {
	T sides[N];
	explicit polygon(T side)
	{
		for (auto &s : sides)
			s = side;
	}
	~polygon() override
	{
		if (sides[0] == T(42))
			std::puts("gone");
	}
	double area() const override
	{
		return std::accumulate(sides, sides + N, T()) / double(N);
	}
	template <typename F> auto map(F f) const
	{
		std::vector<decltype(f(sides[0]))> out;
		for (const auto &s : sides)
			out.push_back(f(s));
		return out;
	}
};

template <typename... Ts> auto make_all(int n)
{
	std::vector<std::unique_ptr<base>> out;
	(out.push_back(std::make_unique<Ts>(n)), ...);
	return out;
}
} // namespace shapes

namespace
{
struct hidden {
	int value;
	__attribute__((noinline)) int twice() const
	{
		struct local {
			static int work(int v)
			{
				return std::printf("%d\n", v) * 2;
			}
		};
		return local::work(value);
	}
};

template <unsigned N> inline long fibonacci(long a)
{
	if constexpr (N < 2)
		return a + N;
	else
		return fibonacci<N - 1>(a) * 3 + fibonacci<N - 2>(a ^ 5);
}
} // namespace

static std::map<std::string, std::vector<int>> count_words(const std::string &text)
{
	std::map<std::string, std::vector<int>> out;
	std::istringstream in(text);
	std::string word;
	for (int i = 0; in >> word; i++)
		out[word].push_back(i);
	return out;
}

using value = std::variant<int, double, std::string>;

static std::string show(const value &v)
{
	return std::visit([](const auto &x) -> std::string {
		if constexpr (std::is_same_v<std::decay_t<decltype(x)>, std::string>)
			return x;
		else
			return std::to_string(x);
	}, v);
}

static int checked(const std::vector<int> &v, size_t i)
{
	try {
		return v.at(i);
	} catch (const std::out_of_range &e) {
		std::fprintf(stderr, "%s\n", e.what());
		return -1;
	}
}

int main(int argc, char **argv)
{
	auto all = shapes::make_all<shapes::polygon<int, 3>, shapes::polygon<double, 4>, shapes::polygon<long, 5>>(argc);
	double sum = 0;
	for (const auto &shape : all)
		sum += shape->area();
	shapes::polygon<float, 7> p(float(argc) + .5f);
	auto texts = p.map([](float f) { return std::to_string(f); });
	std::sort(texts.begin(), texts.end(), [](const auto &a, const auto &b) { return a > b; });
	std::unordered_map<std::string, std::function<long(long)>> table;
	table["a"] = [](long x) { return fibonacci<10>(x); };
	table["b"] = [&sum](long x) { return long(sum) + fibonacci<7>(x); };
	std::regex pattern(argc > 1 ? argv[1] : "a.*b+(c|d)");
	std::smatch match;
	std::string line = texts[0];
	if (std::regex_search(line, match, pattern))
		std::puts(match.str().c_str());
	for (auto &[word, places] : count_words(argc > 2 ? argv[2] : "x y x z"))
		std::printf("%s %zu %d\n", word.c_str(), places.size(), checked(places, 1));
	std::vector<value> values{ argc, sum, std::string(argv[0]) };
	for (const auto &v : values)
		std::puts(show(v).c_str());
	auto tuple = std::make_tuple(argc, std::string("t"), sum);
	std::printf("%d\n", hidden{ std::get<0>(tuple) }.twice());
	return int(table["a"](argc) + table["b"](argc)) & 1;
}
