# step: install
python3 -W ignore library.py install
# step: create again
python3 -W ignore library.py again
# step: patch two templates
python3 -W ignore library.py patch
# step: replace
python3 -W ignore library.py replace
# step: apply
python3 -W ignore library.py apply
# step: restart and scale
python3 -W ignore library.py restart
# step: remove
python3 -W ignore library.py remove
