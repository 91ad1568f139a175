# cmake -DFROM=file -DTO=file.c -DNAME=name -P Embed.cmake: the bytes of a file as the C arrays `name` and `name_len`.
file(READ ${FROM} bytes HEX)
string(LENGTH "${bytes}" length)
math(EXPR length "${length} / 2")
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${TO} "#include \"${NAME}.h\"\nconst unsigned char ${NAME}[] = {\n${bytes}};\nconst size_t ${NAME}_len = ${length};\n")
