# Copyright (C) the ngx_sendkit_auth_module authors
#
# bash completion for sendkit-authctl(1).

_sendkit_authctl_options='-h -p -s -n -u --timeout --user --password-file --tls
    --cacert --cert --tls-key --sni --insecure --prefix --pepper-file
    --old-pepper-file --json --help --version'

# The words that may follow a command, as "key add" or "digest".

_sendkit_authctl_words() {
    case "$1" in
        key)          echo add show status revoke list ;;
        role)         echo set unset list ;;
        'key add')    echo --user --workspace --expires --status --generate \
                           --digest ;;
        'key show' | 'key status' | 'key revoke')
                      echo --digest --workspace ;;
        import)       echo --format --dry-run --skip-bad ;;
        export)       echo --csv ;;
        explain)      echo --routes --key --workspace-id --preflight \
                           --error-format \
                           GET HEAD POST PUT PATCH DELETE OPTIONS ;;
    esac
}

# Sets "command" to the words of the command before the cursor.

_sendkit_authctl_command() {
    local i

    command=

    for (( i = 1; i < COMP_CWORD; i++ )); do
        case "${COMP_WORDS[i]}" in
            -[hpsnu] | --timeout | --user | --password-file | --cacert \
                | --cert | --tls-key | --sni | --prefix | --pepper-file \
                | --old-pepper-file)
                (( i++ )) ;;
            -*) ;;
            key | role)
                command=${COMP_WORDS[i]}
                (( i + 1 < COMP_CWORD )) && command+=" ${COMP_WORDS[i + 1]}"
                return ;;
            *)
                command=${COMP_WORDS[i]}
                return ;;
        esac
    done
}

_sendkit_authctl() {
    local command current previous words

    current=${COMP_WORDS[COMP_CWORD]}
    previous=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()

    _sendkit_authctl_command

    case "$command $previous" in
        *' -s' | *-file | *' --cacert' | *' --cert' | *' --tls-key' \
            | *' --routes')
            COMPREPLY=($(compgen -f -- "$current"))
            return ;;
        'import --format')
            COMPREPLY=($(compgen -W 'csv ndjson' -- "$current"))
            return ;;
        'explain --error-format')
            COMPREPLY=($(compgen -W 'flat envelope' -- "$current"))
            return ;;
        'explain --key')
            COMPREPLY=(-)
            return ;;
        *' -'[hpnu] | *' --timeout' | *' --user' | *' --sni' | *' --prefix' \
            | *' --digest' | *' --workspace' | *' --workspace-id' \
            | *' --expires' | *' --status')
            return ;;
    esac

    case "$command" in
        '')
            words="digest key role import export check explain
                   $_sendkit_authctl_options" ;;
        'role set')
            words='owner admin member' ;;
        import)
            [[ $current != -* ]] && COMPREPLY=($(compgen -f -- "$current"))
            words=$(_sendkit_authctl_words import) ;;
        *)
            words=$(_sendkit_authctl_words "$command") ;;
    esac

    COMPREPLY+=($(compgen -W "$words" -- "$current"))
}

complete -F _sendkit_authctl sendkit-authctl
