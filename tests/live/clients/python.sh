# step: install
python3 library.py install
# step: create again
python3 library.py again
# step: patch two templates
python3 library.py patch
# step: replace
python3 library.py replace
# step: apply
python3 library.py apply
# step: restart and scale
python3 library.py restart
# step: remove
python3 library.py remove
