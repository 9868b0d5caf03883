# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_trapline_global_optspecs
    string join \n h/help V/version
end

function __fish_trapline_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_trapline_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_trapline_using_subcommand
    set -l cmd (__fish_trapline_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c trapline -n "__fish_trapline_needs_command" -s h -l help -d 'Print help'
complete -c trapline -n "__fish_trapline_needs_command" -s V -l version -d 'Print version'
complete -c trapline -n "__fish_trapline_needs_command" -f -a "watch" -d 'Tells what happens on this machine: processes, files, mounts, sockets'
complete -c trapline -n "__fish_trapline_needs_command" -f -a "load" -d 'Loads objects into the running kernel, one after the other'
complete -c trapline -n "__fish_trapline_needs_command" -f -a "check" -d 'Says what this kernel has and what would be used of it; or, given objects, what they need and whether kernels\' types have it'
complete -c trapline -n "__fish_trapline_needs_command" -f -a "btf" -d 'Works on kernels\' type information'
complete -c trapline -n "__fish_trapline_needs_command" -f -a "isolate" -d 'Cuts this host off the network, but for an allow list'
complete -c trapline -n "__fish_trapline_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l stats -d 'Say on the standard error how it goes, this often, and at the end what it took' -r
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l policy -d 'A policy file; examples and explanations: policy/example.toml. SIGHUP has it read again' -r -F
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l family -d 'Load the sensors of these families alone: process, file, mount, network' -r
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l kind -d 'Tell these kinds of events alone, such as exec,file_create,connect' -r
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l tree -d 'Tell what this process does, and all that come of it' -r
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l path -d 'Tell what happens to this path or below it, and what programs there are run' -r
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l uid -d 'Tell what this real or effective user does' -r
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l cgroup -l container -d 'Tell what happens in this control group or below it: its path, or a part of its name, such as a container\'s id' -r
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l address -d 'Tell of sockets with such an address at one of their ends: CIDR[:PORT/PROTO]' -r
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l exclude-pid -d 'Do not tell what this process does' -r
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l exclude-exe -d 'Do not tell what processes do that run this program' -r
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l user -d 'Who to be once the sensors are in place: by default the account trapline, or a number that nobody has. It has to be able to read the policy for SIGHUP to have it read again' -r
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l json -d 'One JSON object per line, as the library\'s events.schema.json describes it'
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l ecs -d 'The same with the names of the Elastic Common Schema'
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l exclude-descendants -d 'Nor what those do that come of the ones excluded'
complete -c trapline -n "__fish_trapline_using_subcommand watch" -l keep-privileges -d 'Stay who we are, with all capabilities and system calls'
complete -c trapline -n "__fish_trapline_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c trapline -n "__fish_trapline_using_subcommand load" -l pin -d 'Pin maps, programs and links below this folder of a bpf file system, as OBJECT/maps/NAME and so on, and end: what is pinned stays. Maps that the object itself wants pinned by name go into the folder directly' -r -F
complete -c trapline -n "__fish_trapline_using_subcommand load" -l set -d 'Give a global variable another initial value. Integers are decimal or hexadecimal (0x10), or the name of an enumerator; bool takes true and false; arrays of char take text; anything else takes all its bytes in hexadecimal, as they lie in memory' -r
complete -c trapline -n "__fish_trapline_using_subcommand load" -l map -d 'Give a map another number of entries; for a ring buffer, of bytes' -r
complete -c trapline -n "__fish_trapline_using_subcommand load" -l btf -d 'A file with the kernel\'s BTF, for kernels that do not show their own' -r -F
complete -c trapline -n "__fish_trapline_using_subcommand load" -l attach -d 'Attach each program where its section says, and stay until Ctrl-C'
complete -c trapline -n "__fish_trapline_using_subcommand load" -l json -d 'One JSON object per line instead of a table'
complete -c trapline -n "__fish_trapline_using_subcommand load" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c trapline -n "__fish_trapline_using_subcommand check" -l btf -d 'Kernels\' BTF: raw, or in an ELF file, or a folder of such files. Without, the running kernel\'s' -r -F
complete -c trapline -n "__fish_trapline_using_subcommand check" -l all -d 'List every relocation, hook and option, not only those without an answer'
complete -c trapline -n "__fish_trapline_using_subcommand check" -l json -d 'JSON instead of tables: one object for this kernel, as schema/check.schema.json describes it; with objects, one per line'
complete -c trapline -n "__fish_trapline_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c trapline -n "__fish_trapline_using_subcommand btf; and not __fish_seen_subcommand_from min help" -s h -l help -d 'Print help'
complete -c trapline -n "__fish_trapline_using_subcommand btf; and not __fish_seen_subcommand_from min help" -f -a "min" -d 'Keeps of a kernel\'s types only what the objects look at'
complete -c trapline -n "__fish_trapline_using_subcommand btf; and not __fish_seen_subcommand_from min help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c trapline -n "__fish_trapline_using_subcommand btf; and __fish_seen_subcommand_from min" -l btf -d 'A file with a kernel\'s BTF, or a folder of such files' -r -F
complete -c trapline -n "__fish_trapline_using_subcommand btf; and __fish_seen_subcommand_from min" -s o -l output -d 'Where to write it: a file, or for a folder of BTF a folder, in which each file gets the name of the one that it was made from' -r -F
complete -c trapline -n "__fish_trapline_using_subcommand btf; and __fish_seen_subcommand_from min" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c trapline -n "__fish_trapline_using_subcommand btf; and __fish_seen_subcommand_from help" -f -a "min" -d 'Keeps of a kernel\'s types only what the objects look at'
complete -c trapline -n "__fish_trapline_using_subcommand btf; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and not __fish_seen_subcommand_from status help" -l allow -d 'Who may talk to this host. Without a port: by TCP, UDP and ICMP. With one, such as 10.0.0.5:22/tcp or [2001:db8::/32]:443/tcp: to this port, on whichever side the service is, and back. May be given again' -r
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and not __fish_seen_subcommand_from status help" -l policy -d 'A policy file whose [isolate] says who else may talk to this host, as of now' -r -F
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and not __fish_seen_subcommand_from status help" -l for -d 'Let everything pass again after this time, such as 90s, 15m, 1h30m or 2d, also when the program was killed' -r
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and not __fish_seen_subcommand_from status help" -l dns -d 'Allow DNS to the resolvers that /etc/resolv.conf names now, and to no other'
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and not __fish_seen_subcommand_from status help" -l while-running -d 'End with this program, however it ends'
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and not __fish_seen_subcommand_from status help" -l force -d 'Start also where there is no way back: no rule and no duration'
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and not __fish_seen_subcommand_from status help" -l release -d 'End what is in force'
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and not __fish_seen_subcommand_from status help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and not __fish_seen_subcommand_from status help" -f -a "status" -d 'Says what is in force: rules, interfaces, what passed and what did not'
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and not __fish_seen_subcommand_from status help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and __fish_seen_subcommand_from status" -l json -d 'A JSON object instead of tables'
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and __fish_seen_subcommand_from help" -f -a "status" -d 'Says what is in force: rules, interfaces, what passed and what did not'
complete -c trapline -n "__fish_trapline_using_subcommand isolate; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c trapline -n "__fish_trapline_using_subcommand help; and not __fish_seen_subcommand_from watch load check btf isolate help" -f -a "watch" -d 'Tells what happens on this machine: processes, files, mounts, sockets'
complete -c trapline -n "__fish_trapline_using_subcommand help; and not __fish_seen_subcommand_from watch load check btf isolate help" -f -a "load" -d 'Loads objects into the running kernel, one after the other'
complete -c trapline -n "__fish_trapline_using_subcommand help; and not __fish_seen_subcommand_from watch load check btf isolate help" -f -a "check" -d 'Says what this kernel has and what would be used of it; or, given objects, what they need and whether kernels\' types have it'
complete -c trapline -n "__fish_trapline_using_subcommand help; and not __fish_seen_subcommand_from watch load check btf isolate help" -f -a "btf" -d 'Works on kernels\' type information'
complete -c trapline -n "__fish_trapline_using_subcommand help; and not __fish_seen_subcommand_from watch load check btf isolate help" -f -a "isolate" -d 'Cuts this host off the network, but for an allow list'
complete -c trapline -n "__fish_trapline_using_subcommand help; and not __fish_seen_subcommand_from watch load check btf isolate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c trapline -n "__fish_trapline_using_subcommand help; and __fish_seen_subcommand_from btf" -f -a "min" -d 'Keeps of a kernel\'s types only what the objects look at'
complete -c trapline -n "__fish_trapline_using_subcommand help; and __fish_seen_subcommand_from isolate" -f -a "status" -d 'Says what is in force: rules, interfaces, what passed and what did not'
