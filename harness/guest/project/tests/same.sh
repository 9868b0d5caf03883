# same.sh FILE EXPECTED: a comparison that needs no tool.
set -e
while read -r expected <&3; do
	read -r line || line=
	[ "$line" = "$expected" ] || { echo "$1: '$line', not '$expected'"; exit 1; }
done < "$1" 3< "$2"
