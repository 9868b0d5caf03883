# What is done with the project while it is watched: a build from nothing, its
# tests, an installation; a change, so that part of it is built again; and all away.
set -e
make -j2 all check
make install
sed -i 's/most frequent/commonest/' lib/report.c tests/poem.expected
make -j2 check
make uninstall
make dist clean
