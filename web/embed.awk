# Turns text files into C strings: awk -f embed.awk NAME=FILE ...
# Each file becomes `const char web_NAME[]`. A file with "]]>" would end the CDATA section that it
# is put into, and is refused.
BEGIN {
	print "/* Made by web/embed.awk. */"
	print "#include \"render/assets.h\""
	for (i = 1; i < ARGC; i++) {
		split(ARGV[i], part, "=")
		printf "\nconst char web_%s[] =\n", part[1]
		while ((status = (getline line < part[2])) > 0) {
			if (index(line, "]]>")) {
				print part[2] ": holds ]]>" > "/dev/stderr"
				exit 1
			}
			gsub(/\\/, "&&", line)
			gsub(/"/, "\\\\&", line)
			printf "\t\"%s\\n\"\n", line
		}
		if (status < 0) {
			print part[2] ": cannot be read" > "/dev/stderr"
			exit 1
		}
		print "\t\"\";"
	}
	exit 0
}
